import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { keepFingerprintKeys } from '../../../src/credentials/deposit/fingerprint-key-store.ts';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { findKeyProblems } from '../../../src/vault/boot-check/key-problems.ts';
import type { RingKey } from '../../../src/vault/key-ring.ts';
import { encryptionKeys, jsonLines, latchkey } from '../../commands/latchkey.ts';
import { type CredentialFixture, createCredentialFixture } from '../../credentials/credential-fixture.ts';
import { startWorkerProcess } from '../../integration/processes/start-worker-process.ts';
import { keysOf, newKey, rotate } from '../rotation/two-keys.ts';

const LIMIT_MS = 60_000;

let fixture: CredentialFixture;
let dataDir: string;
const young = newKey('k2');

beforeAll(async () => {
  fixture = await createCredentialFixture();
  dataDir = await mkdtemp(join(tmpdir(), 'latchkey-boot-'));
  const server = await fixture.register();
  for (let n = 0; n < 3; n++) await fixture.deposit(fixture.newKey(server), { accessToken: 'a1' });
});

afterAll(async () => {
  await fixture.stop();
  await rm(dataDir, { recursive: true });
});

const environment = (...keys: RingKey[]) => ({
  DATABASE_URL: fixture.database.url,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_NAMESPACE: inject('temporalNamespace'),
  TEMPORAL_TASK_QUEUE: 'nobody-starts-anything-here',
  ENCRYPTION_KEYS: encryptionKeys(keys),
  JWT_SECRET: 'a secret of at least thirty-two bytes',
  PUBLIC_URL: 'https://latchkey.example',
  PORT: '0',
  LATCHKEY_DATA_DIR: dataDir,
});

/** `dev` changes the set-up of Temporal, so it gets its own instead of the tests' one. */
function environmentOf(role: string): Record<string, string> {
  if (role !== 'dev') return environment(young);
  const { TEMPORAL_ADDRESS: _, TEMPORAL_NAMESPACE: __, ...others } = environment(young);
  const {
    PATH = '',
    HOME = '',
    TEMPORAL_CLI_PATH = '',
    LATCHKEY_CACHE = '',
    XDG_CACHE_HOME = '',
  } = process.env;
  return { ...others, PATH, HOME, TEMPORAL_CLI_PATH, LATCHKEY_CACHE, XDG_CACHE_HOME };
}

describe('without a key that is in use', { timeout: LIMIT_MS }, () => {
  test.each(['worker', 'server', 'dev'])(
    '%s does not start, and says which and how much needs it',
    async (role) => {
      const { code, stdout, stderr } = await latchkey(environmentOf(role), role).ended;

      expect(stderr).toBe(
        'One problem with the configuration:\n' +
          '  ENCRYPTION_KEYS: lacks the key k1, under which 6 stored values are encrypted: put it back, and see `latchkey keys status`\n',
      );
      expect(stdout).not.toContain('"msg":"ready"');
      expect(code).toBe(2);
    },
  );
});

describe('with other bytes under the id of a key that is in use', { timeout: LIMIT_MS }, () => {
  const REFUSED =
    'One problem with the configuration:\n' +
    '  ENCRYPTION_KEYS: has other key bytes under the id k1 than the database knows: restore the original bytes, and give a new key a new id\n';

  beforeAll(() => keepFingerprintKeys({ db: fixture.pool, ...keysOf(...fixture.keys) }));

  test.each(['worker', 'server'])('%s does not start, and keeps nothing of it', async (role) => {
    const { rows: before } = await fixture.pool.query('SELECT * FROM mcp_fingerprint_key');

    const { code, stdout, stderr } = await latchkey(environment(newKey('k1')), role).ended;

    expect(stderr).toBe(REFUSED);
    expect(stdout).not.toContain('"msg":"ready"');
    expect(code).toBe(2);
    expect((await fixture.pool.query('SELECT * FROM mcp_fingerprint_key')).rows).toEqual(before);
  });

  test('a worker does not start either when another key encrypts', async () => {
    const { code, stderr } = await latchkey(environment(young, newKey('k1')), 'worker').ended;

    expect(stderr).toBe(REFUSED);
    expect(code).toBe(2);
  });
});

test('a worker starts with the key anywhere in the ring, and without it once nothing needs it', {
  timeout: LIMIT_MS,
}, async () => {
  const worker = await startWorkerProcess(environment(young, ...fixture.keys));
  await worker.kill('SIGTERM');
  await rotate(fixture, keysOf(young, ...fixture.keys));

  const another = await startWorkerProcess(environment(young));
  await another.kill('SIGTERM');
});

test('a missing key is named even if what needs it cannot be counted', async () => {
  const { db, ...own } = { db: fixture.pool, ...keysOf(newKey('k3')) };
  const uncountable = {
    async query(text: string, values?: unknown[]) {
      if (text.includes('count(*)')) throw new Error('canceling statement due to statement timeout');
      return db.query(text, values);
    },
  };

  // The cast leaves out the overloads of `query` that this project does not use.
  const problems = await findKeyProblems({ db: uncountable as typeof db, ...own });

  expect(problems).toEqual([
    {
      variable: 'ENCRYPTION_KEYS',
      problem: expect.stringMatching(/^lacks the key k\d, under which stored values are/),
    },
  ]);
});

test('processes that start at once store one fingerprint key for each of their keys', async () => {
  const { pool } = fixture;
  await pool.query('TRUNCATE mcp_fingerprint_key');
  const ours = keysOf(young, ...fixture.keys);
  const kept = async () =>
    (await pool.query('SELECT kid, key_jwe FROM mcp_fingerprint_key ORDER BY kid')).rows;

  await Promise.all([keepFingerprintKeys({ db: pool, ...ours }), keepFingerprintKeys({ db: pool, ...ours })]);
  const first = await kept();
  await keepFingerprintKeys({ db: pool, ...ours });

  expect(first).toMatchObject([{ kid: 'k1' }, { kid: 'k2' }]);
  expect(await kept()).toEqual(first);
});

test('a server still starts while the database is down', { timeout: LIMIT_MS }, async () => {
  const port = String(await freePort());
  const DATABASE_URL = 'postgres://latchkey@127.0.0.1:9/latchkey';
  const server = latchkey({ ...environment(young), DATABASE_URL, PORT: port }, 'server');
  await expect.poll(() => statusOf(`http://127.0.0.1:${port}/health`), { timeout: 30_000 }).toBe(503);
  server.kill('SIGTERM');

  const { code, stdout } = await server.ended;

  expect(jsonLines(stdout)).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: 'the keys in use could not be checked' }),
  );
  expect(code).toBe(0);
});

test.each(['worker', 'server'])(
  'a %s that starts while the database is down ends when it is back, without a key that is in use',
  { timeout: LIMIT_MS },
  async (role) => {
    const port = await freePort();
    const database = new URL(fixture.database.url);
    const { hostname, port: databasePort } = database;
    database.host = `127.0.0.1:${port}`;
    const running = latchkey({ ...environment(newKey('k3')), DATABASE_URL: database.href }, role);
    await running.says('"msg":"ready"');
    const forwarder = createServer((socket) => {
      const upstream = connect(Number(databasePort), hostname);
      socket.pipe(upstream).pipe(socket);
      for (const one of [socket, upstream]) one.on('error', () => socket.destroy());
    });
    onTestFinished(() => void forwarder.close());
    forwarder.listen(port, '127.0.0.1');

    const { code, stderr } = await running.ended;

    expect(stderr).toMatch(
      /^One problem with the configuration:\n {2}ENCRYPTION_KEYS: lacks the key k\d, under which/,
    );
    expect(code).toBe(2);
  },
);

function statusOf(url: string): Promise<number | undefined> {
  return fetch(url).then(
    (answer) => answer.status,
    () => undefined,
  );
}
