import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { appendAuditEvent, deleteOldAuditEvents } from '../../src/audit/audit-log.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, inTransaction, type Pool } from '../../src/db/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, size: 3, onIdleError: () => {} });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await appendAuditEvent(pool, { action: 'connected', actorUserId: 'alice', userId: 'alice' });
});

async function ages(): Promise<number[]> {
  const { rows } = await pool.query<{ days: number }>(
    'SELECT round(extract(epoch FROM now() - at) / 86400)::int AS days FROM mcp_audit_event ORDER BY at',
  );
  return rows.map(({ days }) => days);
}

const appendOld = (days: number) =>
  pool.query(
    `INSERT INTO mcp_audit_event (at, action) VALUES (now() - make_interval(days => $1), 'disconnected')`,
    [days],
  );

describe('the audit log', () => {
  test.each([
    ['UPDATE', `UPDATE mcp_audit_event SET action = 'approved'`],
    ['DELETE', 'DELETE FROM mcp_audit_event'],
    ['TRUNCATE', 'TRUNCATE mcp_audit_event'],
    ['TRUNCATE', 'TRUNCATE mcp_audit_event CASCADE'],
  ])('refuses %s', async (what, sql) => {
    const before = await ages();

    await expect(pool.query(sql)).rejects.toThrow(`mcp_audit_event is append-only: ${what} is refused`);

    expect(await ages()).toEqual(before);
  });

  test('refuses to delete rows younger than a day even to a caller that sets the retention flag', async () => {
    const deleted = inTransaction(pool, async (db) => {
      await db.query(`SELECT set_config('latchkey.audit_expiry', 'on', true)`);
      await db.query('DELETE FROM mcp_audit_event');
    });

    await expect(deleted).rejects.toThrow('append-only');
  });

  test('deletes rows past their retention and no others', async () => {
    await appendOld(401);
    await appendOld(399);

    expect(await deleteOldAuditEvents(pool, 400)).toBe(1);

    expect(Math.max(...(await ages()))).toBe(399);
    expect(await deleteOldAuditEvents(pool, 400)).toBe(0);
  });

  test('refuses deletions again after the retention has run, also in the same transaction', async () => {
    await appendOld(500);
    const deleted = inTransaction(pool, async (db) => {
      await deleteOldAuditEvents(db, 450);
      await db.query(`DELETE FROM mcp_audit_event WHERE at < now() - interval '10 days'`);
    });

    await expect(deleted).rejects.toThrow('append-only');
  });

  test.each([0, -1])('can not be emptied by a retention of %i days', async (days) => {
    await expect(deleteOldAuditEvents(pool, days)).rejects.toThrow('for a day at least');
  });

  test('refuses details that are too large', async () => {
    const details = { long: 'x'.repeat(3_000) };
    await expect(appendAuditEvent(pool, { action: 'connected', actorUserId: null, details })).rejects.toThrow(
      'violates check constraint',
    );
  });
});

describe('a role with only the rights that Latchkey needs', () => {
  const ROLE = 'latchkey_audit_test';

  beforeAll(async () => {
    await pool.query(`CREATE ROLE ${ROLE}`);
    await pool.query(`GRANT SELECT, INSERT ON mcp_audit_event TO ${ROLE}`);
  });

  afterAll(async () => {
    await pool.query(`DROP OWNED BY ${ROLE}`);
    await pool.query(`DROP ROLE ${ROLE}`);
  });

  const asRole = <T>(work: (db: Pick<Pool, 'query'>) => Promise<T>) =>
    inTransaction(pool, async (db) => {
      await db.query(`SET LOCAL ROLE ${ROLE}`);
      return work(db);
    });

  test('appends rows and cannot disable the trigger', async () => {
    await asRole((db) => appendAuditEvent(db, { action: 'connected', actorUserId: 'bob' }));
    await expect(asRole((db) => db.query('ALTER TABLE mcp_audit_event DISABLE TRIGGER ALL'))).rejects.toThrow(
      'must be owner',
    );
  });

  test('runs the retention only after it is granted', async () => {
    await appendOld(600);
    const expire = () => asRole((db) => deleteOldAuditEvents(db, 550));
    await expect(expire()).rejects.toThrow('permission denied for function');

    await pool.query(`GRANT EXECUTE ON FUNCTION mcp_audit_event_expire TO ${ROLE}`);

    expect(await expire()).toBe(1);
  });

  test('cannot make the retention run its code with the rights of the owner', async () => {
    const before = await ages();
    const rewriting = asRole(async (db) => {
      await db.query('CREATE TEMP TABLE mcp_audit_event (id bigint, at timestamptz)');
      await db.query(`CREATE FUNCTION pg_temp.rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          ALTER TABLE public.mcp_audit_event DISABLE TRIGGER ALL;
          DELETE FROM public.mcp_audit_event;
          RETURN OLD;
        END $$`);
      await db.query(`CREATE TRIGGER rewrite BEFORE DELETE ON mcp_audit_event
        FOR EACH ROW EXECUTE FUNCTION pg_temp.rewrite()`);
      await db.query(`INSERT INTO pg_temp.mcp_audit_event VALUES (1, now() - interval '900 days')`);
      const expired = await deleteOldAuditEvents(db, 800);
      const { rowCount: planted } = await db.query('SELECT FROM pg_temp.mcp_audit_event');
      await db.query('DROP TABLE pg_temp.mcp_audit_event');
      return { expired, planted };
    });

    expect(await rewriting).toEqual({ expired: 0, planted: 1 });
    expect(await ages()).toEqual(before);
  });

  test('cannot delete rows younger than the minimum that the owner has set', async () => {
    await deleteOldAuditEvents(pool, 250);
    await appendOld(300);
    const setMinimum = (days: number) =>
      `CREATE OR REPLACE FUNCTION mcp_audit_event_minimum_days() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT ${days}'`;
    await pool.query(`GRANT CREATE ON SCHEMA public TO ${ROLE}`);
    await pool.query(setMinimum(365));
    const before = await ages();

    const wiping = asRole(async (db) => {
      await db.query(`CREATE FUNCTION pg_temp.mcp_audit_event_minimum_days() RETURNS integer
        LANGUAGE sql IMMUTABLE AS 'SELECT 1'`);
      return deleteOldAuditEvents(db, 1);
    });

    expect(await wiping).toBe(0);
    expect(await ages()).toEqual(before);
    const lowering = asRole((db) => db.query(setMinimum(1)));
    await expect(lowering).rejects.toThrow('must be owner');
    await pool.query(setMinimum(1));
    expect(await asRole((db) => deleteOldAuditEvents(db, 250))).toBe(1);
  });
});

test('an owner without further rights migrates into a schema of its own, sets the minimum, and retention works', async () => {
  const owner = 'latchkey_owner_test';
  await pool.query('DROP SCHEMA public CASCADE');
  await pool.query(`CREATE ROLE ${owner} NOSUPERUSER; CREATE SCHEMA public AUTHORIZATION ${owner};
    CREATE SCHEMA "Latch key" AUTHORIZATION ${owner}`);
  onTestFinished(async () => {
    await pool.query(`DROP OWNED BY ${owner}; DROP ROLE ${owner}`);
  });
  const url = new URL(database.url);
  url.searchParams.set('options', `-c role=${owner} -c search_path="Latch\\ key"`);
  await migrate(url.href);
  const own = createPool({ databaseUrl: url.href, size: 1, onIdleError: () => {} });
  onTestFinished(() => own.end());
  await own.query(
    `INSERT INTO mcp_audit_event (at, action) SELECT now() - make_interval(days => age), 'disconnected'
       FROM unnest(ARRAY[500, 450]) AS age`,
  );

  await own.query(`CREATE OR REPLACE FUNCTION mcp_audit_event_minimum_days() RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT 475'`);

  // Whoever calls it, with whatever path.
  const { rows } = await pool.query('SELECT "Latch key".mcp_audit_event_expire(400, 10) AS expired');
  expect(rows).toEqual([{ expired: '1' }]);
});
