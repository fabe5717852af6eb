import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { newKey } from '../vault/rotation/two-keys.ts';
import { encryptionKeys, latchkey } from './latchkey.ts';

const LIMIT_MS = 60_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

/** Nobody listens there. */
const environment = (others: Record<string, string> = {}) => ({
  DATABASE_URL: database.url,
  ENCRYPTION_KEYS: encryptionKeys([newKey('k1')]),
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  ...others,
});

test('repair says that Temporal is unavailable, without the error of a library', {
  timeout: LIMIT_MS,
}, async () => {
  const { code, stderr } = await latchkey(environment(), 'repair', '--restored', 'temporal').ended;

  const lines = stderr.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: 'fatal',
      msg: expect.stringMatching(/^repair failed: Temporal can't be reached at 127\.0\.0\.1:9/),
    },
  ]);
  expect(code).toBe(1);
});

test.each([
  ['keys status', ['keys', 'status']],
  ['users forget', ['users', 'forget', 'alice']],
])('%s says that Postgres is away', { timeout: LIMIT_MS }, async (name, command) => {
  const { code, stderr } = await latchkey(
    environment({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/x' }),
    ...command,
  ).ended;

  expect(
    stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    {
      level: 'fatal',
      msg: expect.stringMatching(
        `^${name.replace(' status', '')} failed: Postgres can't be reached.*DATABASE_URL`,
      ),
    },
  ]);
  expect(code).toBe(1);
});

test('a server that is told to stop exits with 0', { timeout: LIMIT_MS }, async () => {
  const port = String(await freePort());
  const server = latchkey(
    environment({
      JWT_SECRET: 'a secret of at least thirty-two bytes',
      PUBLIC_URL: 'https://latchkey.example',
      PORT: port,
      DRAIN_DELAY_SECONDS: '0',
    }),
    'server',
  );
  await expect.poll(() => statusOf(`http://127.0.0.1:${port}/health`), { timeout: 30_000 }).toBe('degraded');
  server.kill('SIGTERM');

  const { code, stderr } = await server.ended;

  expect(stderr).toBe('');
  expect(code).toBe(0);
});

function statusOf(url: string): Promise<string | undefined> {
  return fetch(url)
    .then((answer) => answer.text())
    .then(
      (text) => /"status":"(\w+)"/.exec(text)?.[1],
      () => undefined,
    );
}
