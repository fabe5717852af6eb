import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { wipeUser } from '../../src/operations/wipe-user.ts';
import { auditRows } from '../audit/audit-rows.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.stop());

const reconcile = () =>
  world.temporal.client.workflow.execute('reconcile', {
    taskQueue: world.config.taskQueue,
    workflowId: `reconcile-${world.config.taskQueue}`,
    args: [],
  });

/** Results of a time long past, of which each says that it has so many bytes. */
const storeOldResults = (user: string, count: number, bytes = 200_000) =>
  world.services.db.query(
    `INSERT INTO mcp_stored_result (id, user_id, mcp_server_id, workflow_id, result_jwe, bytes, stored_at)
     SELECT gen_random_uuid(), $1, 'ledger', 'w', 'x', $3, now() - interval '40 days'
       FROM generate_series(1, $2::int)`,
    [user, count, bytes],
  );

async function rowsIn(table: string, condition = 'true'): Promise<number | null> {
  const { rowCount } = await world.services.db.query(`SELECT FROM ${table} WHERE ${condition}`);
  return rowCount;
}

/** For the rest of the test no statement may delete more of a table's rows, or of their bytes, than that. */
async function allowAtOnce(table: string, condition: string) {
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
  test('of results goes in parts that a statement has time for, all in one run', async () => {
    await storeOldResults(world.newUser(), 250);
    await allowAtOnce('mcp_stored_result', 'count(*) <= 100');

    await reconcile();

    expect(await rowsIn('mcp_stored_result')).toBe(0);
  });

  test('of very large results goes by their bytes', async () => {
    const MIB = 1024 * 1024;
    await storeOldResults(world.newUser(), 7, 30 * MIB);
    await storeOldResults(world.newUser(), 2, 100 * MIB);
    await allowAtOnce('mcp_stored_result', `count(*) = 1 OR coalesce(sum(bytes), 0) <= ${64 * MIB}`);

    await reconcile();

    expect(await rowsIn('mcp_stored_result')).toBe(0);
  });

  test('of connection events goes in parts', async () => {
    await world.services.db.query(
      `INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, version, happened_at)
       SELECT 'ada', 'ledger', 'connected', 1, now() - interval '2 days' FROM generate_series(1, 12000)`,
    );
    await allowAtOnce('mcp_connection_event', 'count(*) <= 5000');

    await reconcile();

    expect(await rowsIn('mcp_connection_event')).toBe(0);
  });
});

test('what is expired goes although results can not be deleted, and the run fails', async () => {
  const user = world.newUser();
  const { db } = world.services;
  await storeOldResults(user, 1);
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
  await world.connect(user);
  await world.disconnect(user);
  await db.query(`UPDATE mcp_credential SET updated_at = now() - interval '40 days' WHERE user_id = $1`, [
    user,
  ]);
  await allowAtOnce('mcp_stored_result', 'count(*) = 0');

  await expect(reconcile()).rejects.toThrow(WorkflowFailedError);

  const ofUser = `user_id = '${user}'`;
  expect(await rowsIn('mcp_stored_result', ofUser)).toBe(1);
  expect(await rowsIn('mcp_step_waiter', ofUser)).toBe(0);
  expect(await rowsIn('mcp_credential', ofUser)).toBe(0);
  expect(await rowsIn('mcp_connection_event', `${ofUser} AND happened_at < now() - interval '1 day'`)).toBe(
    0,
  );
  expect(await auditRows(db, { user })).not.toContainEqual({ action: 'connected', user, details: {} });
});

test("a user's results are forgotten in parts, and the audit log counts them", async () => {
  const [user, other] = [world.newUser(), world.newUser()];
  await storeOldResults(user, 250);
  await storeOldResults(other, 1);
  await allowAtOnce('mcp_stored_result', 'count(*) <= 100');

  const wiped = await wipeUser(world.services.pool, user, 0);

  expect(wiped).toMatchObject({ results: 250 });
  expect(await rowsIn('mcp_stored_result', `user_id = '${user}'`)).toBe(0);
  expect(await rowsIn('mcp_stored_result', `user_id = '${other}'`)).toBe(1);
  expect(await auditRows(world.services.db, { user })).toMatchObject([
    { action: 'user-forgotten', details: { results: 250 } },
  ]);
});
