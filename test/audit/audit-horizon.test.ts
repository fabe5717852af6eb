import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readAudit, readAuditHorizon } from '../../src/audit/read-audit.ts';
import type { Db } from '../../src/db/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const GATE = 4_242;
const WAITING_FOR_GATE = `
  SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
   WHERE locktype = 'advisory' AND NOT granted AND objid = ${GATE} AND datname = current_database()`;

let database: TestDatabase;
const clients: pg.Client[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  for (const client of clients) await client.end();
  await database.drop();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  clients.push(client);
  return client;
}

/** A reader whose look at the transactions is over before the rest of its statement, which waits at a gate. */
async function slowReader(): Promise<pg.Client> {
  const reader = await connect();
  await reader.query(`
    CREATE SCHEMA slow;
    CREATE FUNCTION slow.look() RETURNS SETOF pg_catalog.pg_stat_activity LANGUAGE plpgsql AS $$
    BEGIN
      RETURN QUERY SELECT * FROM pg_catalog.pg_stat_activity;
      PERFORM pg_advisory_lock_shared(${GATE});
      PERFORM pg_advisory_unlock_shared(${GATE});
    END $$;
    CREATE VIEW slow.pg_stat_activity AS SELECT * FROM slow.look();
    SET search_path = slow, pg_catalog, public`);
  return reader;
}

test('the horizon is before a row whose transaction begins after the look at the transactions', async () => {
  const [reader, writer, gate] = [await slowReader(), await connect(), await connect()];
  await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
  // The cast names the one method that is used.
  const reading = readAuditHorizon(reader as unknown as Db);
  await vi.waitFor(
    async () => {
      const { rowCount } = await gate.query(WAITING_FOR_GATE);
      expect(rowCount).toBe(1);
    },
    { timeout: 20_000 },
  );
  await writer.query('BEGIN');
  await writer.query(`INSERT INTO mcp_audit_event (action) VALUES ('keys-rotated')`);
  await gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
  const horizon = await reading;

  const before = await readAudit(writer as unknown as Db, {
    filter: {},
    limit: 10,
    order: 'oldest-first',
    before: horizon,
  });
  expect(before).toEqual([]);
  await writer.query('COMMIT');
});
