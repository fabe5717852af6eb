import { Connection } from '@temporalio/client';
import { expect, inject, vi } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';
import { createDatabaseClock, type DatabaseClock } from '../credentials/database-clock.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import type { World } from '../support/world.ts';

const DAY = 24 * 3_600;
const UNTIL = { timeout: 30_000, interval: 100 };

const test = testInWorld(async () => ({ withoutWorker: true, namespace: await createTestNamespace() }));
let clock: DatabaseClock;

test.beforeAll(async ({ world }) => {
  clock = await createDatabaseClock(world.database.url);
  await obeyClock(world.services.pool);
  await world.startWorker();
  const { url } = world.mcpServer;
  await world.register(world.mcpServerId, { url, auth: { type: 'oauth2', idleLimit: '30 days' } });
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const logger = createLogger({ level: 'silent' });
  await setUpTemporal(world.temporal.client, connection, { taskQueue: world.config.taskQueue, logger });
  await connection.close();
});

test.afterAll(async ({ world }) => {
  const { schedule } = world.temporal.client;
  for (const id of ['latchkey-reconcile', 'latchkey-renew-idle']) await schedule.getHandle(id).delete();
});

/** Sessions from before the clock do not by themselves. */
async function obeyClock(pool: Pool): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
  for (const session of sessions) {
    await session.query('SET search_path = shadow, public, pg_catalog');
    session.release();
  }
}

/** After a run that its time may just have come for. */
const runSchedule = (world: World) =>
  world.temporal.client.schedule.getHandle('latchkey-renew-idle').trigger('BUFFER_ONE');

const grantsOf = (world: World, accountId: string) =>
  world.authorizationServer.stats.tokenGrants('refresh_token', { accountId });

test('the schedule renews idle grants, a step then has a good token, and the history names no user', async ({
  world,
}) => {
  const users = [world.users.newUser(), world.users.newUser(), world.users.newUser()];
  for (const user of users) await world.users.connect(user);
  const [first = '', second = '', withdrawn = ''] = users;
  world.authorizationServer.control.revokeGrants(withdrawn);
  await world.temporal.client.workflow.execute('renewIdleGrants', {
    taskQueue: world.config.taskQueue,
    workflowId: 'before-anything-is-due',
    args: [],
  });
  expect(users.map((user) => grantsOf(world, user).succeeded)).toEqual([0, 0, 0]);
  await clock.advance(23 * DAY);

  await runSchedule(world);

  await vi.waitFor(async () => {
    const { rows } = await world.services.db.query(
      `SELECT user_id, status, reason, token_version::int AS version
         FROM mcp_credential ORDER BY array_position($1, user_id)`,
      [users],
    );
    expect(rows).toEqual([
      { user_id: first, status: 'connected', reason: null, version: 2 },
      { user_id: second, status: 'connected', reason: null, version: 2 },
      { user_id: withdrawn, status: 'reauth-required', reason: 'invalid-grant', version: 1 },
    ]);
  }, UNTIL);
  for (const user of [first, second]) expect(grantsOf(world, user)).toEqual({ succeeded: 1, failed: 0 });
  expect(await world.steps.result(await world.steps.start(first))).toMatchObject({ status: 'success' });
  expect(grantsOf(world, first)).toEqual({ succeeded: 1, failed: 0 });
  const histories = await historiesOfRuns(world);
  expect(histories).toContain('renewIdleGrants');
  for (const user of users) expect(histories).not.toContain(user);
});

async function historiesOfRuns(world: World): Promise<string> {
  const { workflow } = world.temporal.client;
  const texts: string[] = [];
  const query = "WorkflowType = 'renewIdleGrants'";
  await vi.waitFor(async () => expect((await workflow.count(query)).count).toBeGreaterThan(1), UNTIL);
  for await (const { workflowId, runId } of workflow.list({ query })) {
    texts.push(JSON.stringify(await workflow.getHandle(workflowId, runId).fetchHistory(), withText));
  }
  return texts.join('\n');
}

/** Payloads are bytes; what they hold is JSON. */
function withText(_name: string, value: unknown): unknown {
  // A Buffer is asked for its JSON before this is.
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data).toString() : value;
}
