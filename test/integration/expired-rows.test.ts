import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, onTestFinished } from 'vitest';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { wipeUser } from '../../src/operations/wipe-user.ts';
import { auditRows } from '../audit/audit-rows.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

const reconcile = (world: World) =>
  world.temporal.client.workflow.execute('reconcile', {
    taskQueue: world.config.taskQueue,
    workflowId: `reconcile-${world.config.taskQueue}`,
    args: [],
  });

/** Results of a time long past, of which each says that it has so many bytes. */
const storeOldResults = (world: World, user: string, count: number, bytes = 200_000) =>
  world.services.db.query(
    `INSERT INTO mcp_stored_result (id, user_id, mcp_server_id, workflow_id, result_jwe, bytes, stored_at)
     SELECT gen_random_uuid(), $1, 'ledger', 'w', 'x', $3, now() - interval '40 days'
       FROM generate_series(1, $2::int)`,
    [user, count, bytes],
  );

async function rowsIn(world: World, table: string, condition = 'true'): Promise<number | null> {
  const { rowCount } = await world.services.db.query(`SELECT FROM ${table} WHERE ${condition}`);
  return rowCount;
}

/** For the rest of the test no statement may delete more of a table's rows, or of their bytes, than that. */
async function allowAtOnce(world: World, table: string, condition: string) {
  const { db } = world.services;
  await db.query(`
    CREATE OR REPLACE FUNCTION refuse_too_many() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT (SELECT ${condition} FROM gone) THEN RAISE EXCEPTION 'too many at once'; END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER refuse_too_many AFTER DELETE ON ${table} REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_too_many()`);
  onTestFinished(async () => void (await db.query(`DROP TRIGGER refuse_too_many ON ${table}`)));
}

describe('a backlog of expired rows', () => {
  test('of results is deleted in one run by statements of limited size', async ({ world }) => {
    await storeOldResults(world, world.users.newUser(), 250);
    await allowAtOnce(world, 'mcp_stored_result', 'count(*) <= 100');

    await reconcile(world);

    expect(await rowsIn(world, 'mcp_stored_result')).toBe(0);
  });

  test('of very large results is deleted in parts that are limited by bytes', async ({ world }) => {
    const MIB = 1024 * 1024;
    await storeOldResults(world, world.users.newUser(), 7, 30 * MIB);
    await storeOldResults(world, world.users.newUser(), 2, 100 * MIB);
    await allowAtOnce(world, 'mcp_stored_result', `count(*) = 1 OR coalesce(sum(bytes), 0) <= ${64 * MIB}`);

    await reconcile(world);

    expect(await rowsIn(world, 'mcp_stored_result')).toBe(0);
  });

  test('of connection events is deleted in parts', async ({ world }) => {
    await world.services.db.query(
      `INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, version, happened_at)
       SELECT 'ada', 'ledger', 'connected', 1, now() - interval '2 days' FROM generate_series(1, 12000)`,
    );
    await allowAtOnce(world, 'mcp_connection_event', 'count(*) <= 5000');

    await reconcile(world);

    expect(await rowsIn(world, 'mcp_connection_event')).toBe(0);
  });
});

test('other expired rows are deleted although results cannot be, and the run fails', async ({ world }) => {
  const user = world.users.newUser();
  const { db } = world.services;
  await storeOldResults(world, user, 1);
  await db.query(
    `INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, version, happened_at)
     VALUES ($1, 'ledger', 'connected', 1, now() - interval '2 days')`,
    [user],
  );
  await db.query(
    `INSERT INTO mcp_audit_event (at, action, user_id) VALUES (now() - interval '500 days', 'connected', $1)`,
    [user],
  );
  await registerWaiter(db, {
    userId: user,
    mcpServerId: world.mcpServerId,
    workflowId: `step/${user}/gone`,
    stepId: 'gone',
    seenVersion: 0,
  });
  await db.query("UPDATE mcp_step_waiter SET alive_at = now() - interval '8 days' WHERE user_id = $1", [
    user,
  ]);
  await world.users.connect(user);
  await world.users.disconnect(user);
  await db.query(`UPDATE mcp_credential SET updated_at = now() - interval '40 days' WHERE user_id = $1`, [
    user,
  ]);
  await allowAtOnce(world, 'mcp_stored_result', 'count(*) = 0');

  await expect(reconcile(world)).rejects.toThrow(WorkflowFailedError);

  const ofUser = `user_id = '${user}'`;
  expect(await rowsIn(world, 'mcp_stored_result', ofUser)).toBe(1);
  expect(await rowsIn(world, 'mcp_waiter', ofUser)).toBe(0);
  expect(await rowsIn(world, 'mcp_credential', ofUser)).toBe(0);
  expect(
    await rowsIn(world, 'mcp_connection_event', `${ofUser} AND happened_at < now() - interval '1 day'`),
  ).toBe(0);
  expect(await auditRows(db, { user })).not.toContainEqual({ action: 'connected', user, details: {} });
});

test("a user's results are deleted in parts and counted in the audit log", async ({ world }) => {
  const [user, other] = [world.users.newUser(), world.users.newUser()];
  await storeOldResults(world, user, 250);
  await storeOldResults(world, other, 1);
  await allowAtOnce(world, 'mcp_stored_result', 'count(*) <= 100');

  const wiped = await wipeUser(world.services.pool, user, 0);

  expect(wiped).toMatchObject({ results: 250 });
  expect(await rowsIn(world, 'mcp_stored_result', `user_id = '${user}'`)).toBe(0);
  expect(await rowsIn(world, 'mcp_stored_result', `user_id = '${other}'`)).toBe(1);
  expect(await auditRows(world.services.db, { user })).toMatchObject([
    { action: 'user-forgotten', details: { results: 250 } },
  ]);
});
