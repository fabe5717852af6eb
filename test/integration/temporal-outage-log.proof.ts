import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import { type EmbeddedTemporal, startTemporal } from '../../src/dev/embedded/temporal.ts';
import { encryptionKeys, jsonLines, latchkey } from '../commands/latchkey.ts';
import { token } from '../http/http-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { newKey } from '../vault/rotation/two-keys.ts';

const KEYS = encryptionKeys([newKey('k1')]);
const SECRET = 'a secret of at least thirty-two bytes';

let database: TestDatabase;
let folder: string;
let port: number;
let temporal: EmbeddedTemporal;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'latchkey-outage-'));
  port = await freePort();
  temporal = await start();
  // Otherwise each process says what Temporal lacks.
  const migrated = await latchkey(
    { DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address, ENCRYPTION_KEYS: KEYS },
    'migrate',
  ).ended;
  if (migrated.code !== 0) throw new Error(migrated.stdout);
});

afterAll(async () => {
  await temporal.stop();
  await database.drop();
  await rm(folder, { recursive: true });
});

function start(): Promise<EmbeddedTemporal> {
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('No Temporal CLI: run `node scripts/setup.mjs --for test`.');
  return startTemporal({ binary: cli.path, port, dataFile: join(folder, 'temporal.db') });
}

test('an outage of Temporal and its end are one log line each in a worker and in a server', async () => {
  const httpPort = String(await freePort());
  const environment = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    ENCRYPTION_KEYS: KEYS,
    JWT_SECRET: SECRET,
    PUBLIC_URL: 'https://latchkey.example',
    PORT: httpPort,
    DRAIN_DELAY_SECONDS: '0',
  };
  const worker = latchkey(environment, 'worker');
  const server = latchkey(environment, 'server');
  await Promise.all([worker, server].map((process) => process.says('"msg":"ready"')));
  await expect.poll(() => health(httpPort), { timeout: 30_000 }).toBe('ok');

  await temporal.stop();
  await expect.poll(() => health(httpPort), { timeout: 30_000 }).toBe('degraded');
  await Promise.all([worker, server].map((process) => process.says('"temporal.unavailable"')));
  // For as long as the core repeated its calls in some forty lines, and callers theirs.
  const callers = new AbortController();
  const asking = askForSteps(httpPort, callers.signal);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  callers.abort();
  expect(await asking).toEqual(new Set([503]));
  temporal = await start();
  await Promise.all([worker, server].map((process) => process.says('"temporal.available"')));
  for (const process of [worker, server]) process.kill('SIGTERM');

  const expected = [
    [worker, ['temporal.unavailable']],
    // What callers were answered is told once, however many they are.
    [server, ['temporal.unavailable', 'unavailable']],
  ] as const;
  for (const [process, told] of expected) {
    const ended = await process.ended;
    const lines = jsonLines(ended.stdout);
    const warned = lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(warned.map(({ msg }) => msg)).toEqual(told);
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'temporal.available', level: 'info', awayMs: expect.any(Number) }),
    );
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
  }
}, 180_000);

function health(httpPort: string): Promise<unknown> {
  return fetch(`http://127.0.0.1:${httpPort}/health`)
    .then((answer) => answer.json())
    .then(
      (body) => (body as { status: unknown }).status,
      () => undefined,
    );
}

/** Several times a second, until told to stop. Answers the statuses that came. */
async function askForSteps(httpPort: string, stop: AbortSignal): Promise<Set<number>> {
  const headers = { authorization: `Bearer ${await token({ sub: 'alice' })}` };
  const asked: Promise<number>[] = [];
  while (!stop.aborted) {
    asked.push(fetch(`http://127.0.0.1:${httpPort}/steps`, { headers }).then(({ status }) => status));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return new Set(await Promise.all(asked));
}

test('a Temporal that hangs is logged as unavailable', async () => {
  const httpPort = String(await freePort());
  const server = latchkey(
    {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      ENCRYPTION_KEYS: KEYS,
      JWT_SECRET: SECRET,
      PUBLIC_URL: 'https://latchkey.example',
      PORT: httpPort,
      DRAIN_DELAY_SECONDS: '0',
    },
    'server',
  );
  await expect.poll(() => health(httpPort), { timeout: 60_000 }).toBe('ok');
  process.kill(temporal.pid, 'SIGSTOP');
  try {
    const callers = new AbortController();
    const asking = askForSteps(httpPort, callers.signal);
    await server.says('"temporal.unavailable"');
    callers.abort();
    expect(await asking).toEqual(new Set([503]));
  } finally {
    process.kill(temporal.pid, 'SIGCONT');
  }
  await server.says('"temporal.available"');
  server.kill('SIGTERM');

  const { stdout, code } = await server.ended;
  const warned = jsonLines(stdout).filter(({ level }) => level === 'warn' || level === 'error');
  expect(warned.map(({ msg }) => msg).sort()).toEqual(['temporal.unavailable', 'unavailable']);
  expect(warned).toContainEqual(expect.objectContaining({ cause: 'deadline-exceeded' }));
  expect(code).toBe(0);
}, 180_000);
