/** Postgres over TLS, as managed Postgres has it: the authority is the provider's own. `docs/deploy.md` says the same. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, onTestFinished } from 'vitest';
import { type Ended, latchkey } from '../../commands/latchkey.ts';
import { testInWorld } from '../../support/fixtures.ts';
import { createTestNamespace } from '../../support/temporal.ts';
import type { World } from '../../support/world.ts';
import { startServerProcess } from '../processes/start-server-process.ts';
import { startWorkerProcess } from '../processes/start-worker-process.ts';
import { documentedQueries } from './documented-queries.ts';
import { startTlsPostgres, type TlsPostgres } from './tls-postgres.ts';

const JWT_SECRET = 'a secret of at least 32 bytes, as it must be';
const [VERIFY = {}, WITH_AUTHORITY = {}] = documentedQueries();

let postgres: TlsPostgres;

const test = testInWorld(async () => {
  postgres = await startTlsPostgres();
  expect([VERIFY, WITH_AUTHORITY]).toMatchObject([
    { sslmode: 'verify-full' },
    { ...VERIFY, sslrootcert: expect.any(String) },
  ]);
  const url = postgres.url({ ...WITH_AUTHORITY, sslrootcert: postgres.authority });
  const namespace = await createTestNamespace([]);
  return { database: { url, drop: () => postgres.stop() }, namespace, withoutWorker: true };
});

describe('with sslmode=verify-full and its authority', { timeout: 240_000 }, () => {
  test('everything runs, and each connection is encrypted', async ({ world }) => {
    const environment = { ...world.environment(), JWT_SECRET };
    expect(await latchkey(environment, 'migrate').ended).toMatchObject({ code: 0 });
    const [worker, api] = await Promise.all([
      startWorkerProcess(world.environment()),
      startServerProcess(world.environment()),
    ]);
    onTestFinished(async () => void (await Promise.all([worker.kill(), api.kill()])));
    const user = world.users.newUser();
    await world.users.connect(user);

    const result = await world.steps.result(await world.steps.start(user));

    expect(result).toMatchObject({ status: 'success' });
    const health = async () => (await fetch(`${api.url}/health`)).json();
    await expect.poll(health).toMatchObject({ status: 'ok' });
    expect((await latchkey(environment, 'doctor').ended).stdout).toMatch(/^ok\tpostgres\t\tanswers/m);
    expect(await connections()).toEqual([{ encrypted: true }]);
  });

  test('the authority may be in NODE_EXTRA_CA_CERTS instead', async ({ world }) => {
    const environment = { ...withUrl(world, postgres.url(VERIFY)), NODE_EXTRA_CA_CERTS: postgres.authority };

    expect((await latchkey(environment, 'doctor').ended).stdout).toMatch(/^ok\tpostgres\t\tanswers/m);
  });
});

describe('a process ends with what to do, and the doctor says the same', { timeout: 240_000 }, () => {
  test.for([
    [
      'the authority is not known',
      VERIFY,
      'localhost',
      /certificate of Postgres is not trusted \((UNABLE_TO_|SELF_SIGNED_).*sslrootcert/,
    ],
    [
      'the authority is another one',
      'strange',
      'localhost',
      /certificate of Postgres is not trusted \((UNABLE_TO_|SELF_SIGNED_).*sslrootcert/,
    ],
    [
      'the certificate is for another name',
      'own',
      '127.0.0.1',
      /certificate of Postgres is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
    ],
  ] as const)('where %s', async ([, ca, host, message], { world }) => {
    const authority = ca === 'strange' ? postgres.strangeAuthority : postgres.authority;
    const query = typeof ca === 'string' ? { ...VERIFY, sslrootcert: authority } : ca;

    const { password } = new URL(postgres.url({}));
    const { processes, doctor } = await runEach(withUrl(world, postgres.url(query, host)));

    for (const ended of processes)
      expect(ended).toMatchObject({ code: 1, stdout: expect.stringMatching(message) });
    expect(doctor.code).toBe(1);
    expect(lineOf(doctor, 'postgres')).toMatch(message);
    for (const { stdout, stderr } of [...processes, doctor]) expect(stdout + stderr).not.toContain(password);
  });

  test('no-verify encrypts and trusts any certificate', async ({ world }) => {
    const environment = withUrl(world, postgres.url({ sslmode: 'no-verify' }));

    expect(lineOf(await latchkey(environment, 'doctor').ended, 'postgres')).toMatch(/^ok/);
  });
});

function withUrl(world: World, url: string): Record<string, string> {
  return { ...world.environment(), DATABASE_URL: url, JWT_SECRET };
}

async function runEach(environment: Record<string, string>): Promise<{ processes: Ended[]; doctor: Ended }> {
  const run = (command: string) => latchkey(environment, command).ended;
  const [doctor, ...processes] = await Promise.all([
    run('doctor'),
    run('worker'),
    run('server'),
    run('migrate'),
  ]);
  return { processes, doctor };
}

function lineOf({ stdout }: Ended, check: string): string {
  return stdout.split('\n').find((line) => line.split('\t')[1] === check) ?? '';
}

/** Which kinds of connections Latchkey has. */
async function connections(): Promise<unknown[]> {
  const ssl = { ca: readFileSync(postgres.authority) };
  const client = new pg.Client({ connectionString: postgres.url({}), ssl });
  await client.connect();
  const { rows } = await client.query(
    "SELECT DISTINCT ssl AS encrypted FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'latchkey'",
  );
  await client.end();
  return rows;
}
