import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { asAdmin } from '../support/database-template.ts';
import { newKey } from '../vault/rotation/two-keys.ts';
import { type Ended, encryptionKeys, jsonLines, latchkey } from './latchkey.ts';

// A process that did not end by itself would meet this limit.
const LIMIT_MS = 120_000;
const KEYS = encryptionKeys([newKey('k1')]);
const NOWHERE = '127.0.0.1:9';

let database: TestDatabase;
let dataDir: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await newFolder();
});

afterAll(async () => {
  await database.drop();
  await rm(dataDir, { recursive: true });
});

/** Root's Postgres runs as another user, who must be able to enter. */
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-starts-'));
  await chmod(folder, 0o755);
  return folder;
}

type Environment = Record<string, string>;

const configured = (): Environment => ({
  DATABASE_URL: database.url,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_NAMESPACE: inject('temporalNamespace'),
  TEMPORAL_TASK_QUEUE: 'nobody-starts-anything-here',
  ENCRYPTION_KEYS: KEYS,
  JWT_SECRET: 'a secret of at least thirty-two bytes',
  PUBLIC_URL: 'https://latchkey.example',
  PORT: '0',
});

/** `dev` with nothing configured; programs are found as in this process. */
function bare(): Environment {
  const names = ['PATH', 'HOME', 'TEMPORAL_CLI_PATH', 'LATCHKEY_CACHE', 'XDG_CACHE_HOME'];
  const found = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(found), LATCHKEY_DATA_DIR: dataDir };
}

const run = (role: string, environment: Environment): Promise<Ended> => latchkey(environment, role).ended;

/** It ended by itself, and its one fatal line is this one. */
function expectRefused({ code, stdout, stderr }: Ended, role: string, line: RegExp): void {
  const fatal = jsonLines(stdout).filter(({ level }) => level === 'fatal');
  expect(fatal).toEqual([expect.objectContaining({ msg: expect.stringMatching(line) })]);
  expect(fatal[0]?.msg).toMatch(new RegExp(`^${role} failed: `));
  expect(stdout).not.toContain('"msg":"ready"');
  expect(stderr).toBe('');
  expect(code).toBe(1);
}

async function listenedOn(): Promise<string> {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return String(port);
}

/** A database of its own, `sql` applied. */
async function databaseAfter(sql: string): Promise<string> {
  const changed = await createTestDatabase();
  onTestFinished(changed.drop);
  await asAdmin(changed.url, (client) => client.query(sql));
  return changed.url;
}

function changedUrl(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

const WITHOUT_MIGRATIONS = 'DROP SCHEMA public CASCADE; CREATE SCHEMA public';
const WITH_OLD_MIGRATIONS = "DELETE FROM latchkey_migration WHERE name > '0007'";
const WITH_NEWER_MIGRATIONS =
  "INSERT INTO latchkey_migration (name, run_on) VALUES ('9999_of-a-later-version', now())";

describe.each(['worker', 'server'])('%s', { timeout: LIMIT_MS }, (role) => {
  test.each([
    ['without migrations', WITHOUT_MIGRATIONS, /run `latchkey migrate`/],
    ['with old migrations', WITH_OLD_MIGRATIONS, /lacks .*0008_audit-expiry-path.*run `latchkey migrate`/],
  ])('refuses a database %s', async (_what, sql, line) => {
    const url = await databaseAfter(sql);
    expectRefused(await run(role, { ...configured(), DATABASE_URL: url }), role, line);
  });

  test('starts on a database with newer migrations', async () => {
    const url = await databaseAfter(WITH_NEWER_MIGRATIONS);
    const started = latchkey({ ...configured(), DATABASE_URL: url }, role);
    await started.says('"msg":"ready"');
    started.kill('SIGKILL');
    await started.ended;
  });

  test('refuses a missing database, a wrong password and a database without the required TLS', async () => {
    const absent = changedUrl((url) => {
      url.pathname = '/there_is_none';
    });
    const wrong = changedUrl((url) => {
      url.password = 'wrong';
    });
    const start = (url: string) => run(role, { ...configured(), DATABASE_URL: url });
    const [first, second, third] = await Promise.all([
      start(absent),
      start(wrong),
      start(`${database.url}?sslmode=require`),
    ]);
    expectRefused(first, role, /no such database.*DATABASE_URL/);
    expectRefused(second, role, /refuses the user or the password.*DATABASE_URL/);
    expectRefused(third, role, /speaks no TLS.*DATABASE_URL/);
  });
});

describe('a worker', { timeout: LIMIT_MS }, () => {
  test.each([
    ['whose namespace does not exist', { TEMPORAL_NAMESPACE: 'nope' }, /no namespace "nope": create it/],
    ['that can not reach Temporal', { TEMPORAL_ADDRESS: NOWHERE }, /can't be reached at 127\.0\.0\.1:9/],
    ['that wants TLS where there is none', { TEMPORAL_TLS: 'true' }, /can't be reached.*TEMPORAL_TLS_/],
  ])('%s ends', async (_which, change, line) => {
    expectRefused(await run('worker', { ...configured(), ...change }), 'worker', line);
  });

  test('whose namespace does not exist says so even at log level silent', async () => {
    const change = { TEMPORAL_NAMESPACE: 'nope', LOG_LEVEL: 'silent' };
    const ended = await run('worker', { ...configured(), ...change });
    expectRefused(ended, 'worker', /no namespace "nope"/);
  });
});

describe('a server', { timeout: LIMIT_MS }, () => {
  test('whose port is taken exits', async () => {
    const PORT = await listenedOn();
    const ended = await run('server', { ...configured(), PORT });
    expectRefused(ended, 'server', new RegExp(`port ${PORT} of 127\\.0\\.0\\.1 is in use.*set PORT`));
  });

  test('whose host is not on this machine exits', async () => {
    const ended = await run('server', { ...configured(), HOST: '198.51.100.7' });
    expectRefused(ended, 'server', /198\.51\.100\.7 is not an address of this machine.*HOST/);
  });
});

describe('migrate', { timeout: LIMIT_MS }, () => {
  test.each([
    ['whose namespace does not exist', { TEMPORAL_NAMESPACE: 'nope' }, /no namespace "nope": create it/],
    ['that can not reach Temporal', { TEMPORAL_ADDRESS: NOWHERE }, /can't be reached at 127\.0\.0\.1:9/],
    [
      'that can not reach Postgres',
      { DATABASE_URL: `postgres://u:p@${NOWHERE}/x` },
      /Postgres can't be reached/,
    ],
  ])('%s ends', async (_which, change, line) => {
    expectRefused(await run('migrate', { ...configured(), ...change }), 'migrate', line);
  });
});

describe('dev', { timeout: LIMIT_MS }, () => {
  test('starts nothing on a port that is taken', async () => {
    const PORT = await listenedOn();
    const ended = await run('dev', { ...bare(), PORT });
    expectRefused(ended, 'dev', new RegExp(`port ${PORT} of 127\\.0\\.0\\.1 is in use`));
    expect(ended.stdout).not.toContain('is up');
  });

  test('exits when its data folder cannot be created', async () => {
    const PORT = String(await freePort());
    const ended = await run('dev', { ...bare(), PORT, LATCHKEY_DATA_DIR: '/proc/nope' });
    expectRefused(ended, 'dev', /data folder \/proc\/nope can't be written \(E[A-Z]+\).*LATCHKEY_DATA_DIR/);
  });

  test('starts nothing without a Temporal CLI', async () => {
    const PORT = String(await freePort());
    const ended = await run('dev', { ...bare(), PORT, TEMPORAL_CLI_PATH: '/there/is/none' });
    expectRefused(ended, 'dev', /TEMPORAL_CLI_PATH names no program.*Install the Temporal CLI/);
    expect(ended.stdout).not.toContain('is up');
  });

  test('stops what it has started when it fails half-way', async () => {
    const PORT = String(await freePort());
    const temporal = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: 'nope' };
    const ended = await run('dev', { ...bare(), PORT, ...temporal });
    expectRefused(ended, 'dev', /no namespace "nope": create it/);
    expect(ended.stdout).toContain('embedded Postgres is up');
    expect(processesThatName(dataDir)).toEqual([]);
  });

  test('exits in the folder of a running one, which keeps running and is found by other commands', async () => {
    const folder = await newFolder();
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const own = async () => ({
      ...bare(),
      LATCHKEY_DATA_DIR: folder,
      PORT: String(await freePort()),
      DATABASE_URL: database.url,
    });
    const first = latchkey({ ...(await own()), ENCRYPTION_KEYS: KEYS }, 'dev');
    onTestFinished(() => first.kill('SIGKILL'));
    await first.says('embedded Temporal dev server is up');

    expectRefused(await run('dev', await own()), 'dev', /another `latchkey dev` uses .*LATCHKEY_DATA_DIR/);

    await first.says('latchkey dev is up');
    const list = () => latchkey({ LATCHKEY_DATA_DIR: folder }, 'connections', 'list', '--json').ended;
    expect(await list()).toMatchObject({ code: 0, stdout: '{"connections":[]}\n' });

    first.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(processesThatName(folder)).toEqual([]);
    expect(await list()).toMatchObject({ code: 2 });
  });
});

/** The command lines of running processes, Linux only. */
function processesThatName(folder: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(folder) ? [line] : [];
      } catch {
        return [];
      }
    });
}
