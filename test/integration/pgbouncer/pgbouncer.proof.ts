/**
 * A worker and a server behind PgBouncer in transaction mode, set up by the words of `docs/deploy.md`: each transaction
 * may run on another connection of Postgres, and there are only two of them.
 */
import pg from 'pg';
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { jsonLines, latchkey } from '../../commands/latchkey.ts';
import { testInWorld } from '../../support/fixtures.ts';
import { holdCalls } from '../../support/held-calls.ts';
import type { World } from '../../support/world.ts';
import { type ServerProcess, startServerProcess } from '../processes/start-server-process.ts';
import { startWorkerProcess, type WorkerProcess } from '../processes/start-worker-process.ts';
import { findPgBouncer, MISSING } from './find-pgbouncer.ts';
import { createPooledDatabase, type PooledDatabase } from './pooled-database.ts';

const JWT_SECRET = 'a secret of at least 32 bytes, as it must be';
const STEPS = 12;
const LIMIT = 2;
const program = findPgBouncer();

let pooled: PooledDatabase;
let workers: WorkerProcess[];
let api: ServerProcess;

const test = testInWorld(async () => {
  pooled = await createPooledDatabase(program ?? '');
  return { database: pooled, withoutWorker: true };
});

plainTest('PgBouncer is there', (context) => {
  if (program === undefined && process.env.CI !== 'true') context.skip(MISSING);
  expect(program, MISSING).toBeDefined();
});

describe.skipIf(program === undefined)('behind PgBouncer in transaction mode', { timeout: 240_000 }, () => {
  test.beforeAll(async ({ world }) => {
    const environment = world.environment();
    [api, ...workers] = await Promise.all([
      startServerProcess(environment),
      startWorkerProcess(environment),
      startWorkerProcess(environment),
    ]);
  });

  test.afterAll(async () => {
    await Promise.all([api?.kill('SIGTERM'), ...(workers ?? []).map(({ kill }) => kill('SIGTERM'))]);
  });

  test('many steps at once renew an expired token once', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.deposit(user, { ...(await world.users.consent(user)), expiresIn: 0 });

    const steps = await Promise.all(Array.from({ length: STEPS }, () => world.steps.start(user)));

    expect(await statusesOf(world, user, steps)).toEqual(Array(STEPS).fill('success'));
    const grants = world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user });
    expect(grants).toEqual({ succeeded: 1, failed: 0 });
  });

  test('a server gets no more calls at once than it takes', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register({ maxConcurrentCalls: LIMIT });
    const held = holdCalls(server);
    const user = world.users.newUser();

    const steps = await Promise.all(
      Array.from({ length: STEPS }, () => world.steps.start(user, { mcpServerId, tool: 'echo' })),
    );
    await vi.waitFor(
      async () => {
        const seen = await Promise.all(steps.map(({ stepId }) => world.steps.get(user, stepId)));
        const events = seen.flatMap((step) => step?.timeline.map(({ event }) => event) ?? []);
        expect(events).toContain('waiting-for-turn');
        expect(held.count()).toBe(LIMIT);
      },
      { timeout: 30_000, interval: 200 },
    );
    expect(held.most()).toBe(LIMIT);
    held.letGo();

    const results = await Promise.all(steps.map(world.steps.result));
    expect(results.map(({ status }) => status)).toEqual(Array(STEPS).fill('success'));
    expect(server.count('tools/call')).toBe(STEPS);
  });

  test('a step pauses until its user has connected, over the HTTP API', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user);
    await vi.waitFor(
      async () =>
        expect(await ask(`/steps/${step.stepId}`, user)).toMatchObject({ status: 'awaiting-input' }),
      { timeout: 30_000, interval: 200 },
    );

    const deposit = await world.users.consent(user);
    const stored = await ask('/mcp-oauth-credentials', user, deposit);

    expect(stored).toMatchObject({ stored: true, resuming: 1 });
    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  });

  test('the whole audit log is exported', async () => {
    await query(
      pooled.directUrl,
      "INSERT INTO mcp_audit_event (action, user_id) SELECT 'connected', 'user-' || n FROM generate_series(1, 3000) n",
    );
    const LATCHKEY_TOKEN = await api.tokenOf('auditor', 'latchkey:admin');
    const exported = await latchkey({ LATCHKEY_URL: api.url, LATCHKEY_TOKEN }, 'audit', 'export').ended;

    expect(exported).toMatchObject({ code: 0, stderr: '' });
    const { rows } = await query(pooled.directUrl, 'SELECT id FROM mcp_audit_event ORDER BY at, id');
    expect(rows.length).toBeGreaterThan(3000);
    expect(jsonLines(exported.stdout).map(({ id }) => String(id))).toEqual(rows.map(({ id }) => id));
  });

  test('all of them shared two connections, and a statement ends after 15 s', async ({ world }) => {
    await Promise.all(Array.from({ length: 5 }, () => world.services.pool.query('SELECT 1')));
    const [pool] = (await pooled.pgBouncer.show('SHOW POOLS')).filter(
      ({ pool_mode }) => pool_mode === 'transaction',
    );
    const { cl_active, sv_active, sv_idle, sv_used } = pool ?? {};

    expect(Number(cl_active)).toBeGreaterThanOrEqual(5);
    expect(Number(sv_active) + Number(sv_idle) + Number(sv_used)).toBeLessThanOrEqual(2);
    const { rows } = await query(pooled.url, 'SHOW statement_timeout');
    expect(rows).toEqual([{ statement_timeout: '15s' }]);
  });

  test('without that setting, a process ends with what to do, and the doctor says it', async ({ world }) => {
    const without = (settings: string) => settings.replace(/^ignore_startup_parameters.*$/m, '');
    const { url, stop } = await pooled.startAnother(without);
    onTestFinished(stop);
    const environment = { ...world.environment(), DATABASE_URL: url, JWT_SECRET };

    const [worker, doctor] = await Promise.all(
      ['worker', 'doctor'].map((command) => latchkey(environment, command).ended),
    );

    expect(worker).toMatchObject({ code: 1, stdout: expect.stringMatching(/ignore_startup_parameters/) });
    expect(doctor?.stdout).toMatch(/^failed\tpostgres\t\t.*ignore_startup_parameters/m);
  });
});

async function ask(path: string, user: string, body?: unknown): Promise<unknown> {
  const headers = {
    authorization: `Bearer ${await api.tokenOf(user)}`,
    'content-type': 'application/json',
  };
  const request = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
  return (await fetch(`${api.url}${path}`, request)).json();
}

async function statusesOf(
  world: World,
  user: string,
  steps: Awaited<ReturnType<World['steps']['start']>>[],
): Promise<string[]> {
  const results = await Promise.all(steps.map(world.steps.result));
  expect(world.mcpServer.calls({ user })).toHaveLength(steps.length);
  return results.map(({ status }) => status);
}

async function query(url: string, sql: string): Promise<pg.QueryResult<Record<string, unknown>>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}
