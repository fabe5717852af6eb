import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditPage, readAudit } from '../../src/audit/read-audit.ts';
import { type ConnectionFilter, listAllConnections } from '../../src/credentials/all-connections.ts';
import type { Db, Pool } from '../../src/db/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const CONNECTIONS = 100_000;
const EVENTS = 200_000;
const LIMIT = 21;
/** Pages of 8 KiB that a list may read. The tables have many thousands. */
const MAX_PAGES = 1_500;

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  // Not the product's pool, whose statements may take 15 s.
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  // No events of the connections: nobody reads them here.
  await pool.query('ALTER TABLE mcp_credential DISABLE TRIGGER USER');
  await pool.query(
    `INSERT INTO mcp_server (id, url, auth_type, max_result_bytes, revision)
     SELECT 'server-' || n, 'https://mcp.example/' || n, 'oauth2', 1048576, 5
       FROM generate_series(0, 19) n`,
  );
  // One in a thousand has to connect again, and server-7 was changed after a hundred had connected.
  await pool.query(
    `INSERT INTO mcp_credential (user_id, mcp_server_id, server_revision, status, reason, credential_version, token_version,
                                 status_since)
     SELECT 'user-' || lpad((n / 2)::text, 6, '0'), 'server-' || (n % 20),
            CASE WHEN n % 20 = 7 AND n < 2000 THEN 4 ELSE 5 END,
            CASE WHEN n % 1000 = 1 THEN 'reauth-required' ELSE 'connected' END,
            CASE WHEN n % 1000 = 1 THEN CASE WHEN n % 50000 = 1 THEN 'invalid-client' ELSE 'invalid-grant' END END, 1, 1,
            '2026-01-01'::timestamptz + n * interval '1 minute'
       FROM generate_series(0, ${CONNECTIONS - 1}) n`,
  );
  // One action in 50,000 is rare, and few rows have a status or a reason.
  await pool.query(
    `INSERT INTO mcp_audit_event (at, actor_user_id, action, user_id, mcp_server_id, details)
     SELECT '2026-01-01'::timestamptz + n * interval '1 second',
            CASE WHEN n % 1000 = 0 THEN 'backend' ELSE 'user-' || (n % 5000) END,
            CASE WHEN n % 50000 = 9 THEN 'keys-rotated' ELSE 'connected' END,
            'user-' || (n % 5000), CASE WHEN n % 10 = 0 THEN 'server-' || (n % 500) END,
            CASE WHEN n % 20000 = 8 THEN '{"status": "failed", "reason": "invalid-grant"}' ELSE '{"version": 1}' END::jsonb
       FROM generate_series(0, ${EVENTS - 1}) n`,
  );
  await pool.query('VACUUM ANALYZE mcp_credential, mcp_audit_event, mcp_server');
}, 180_000);

afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe(`connections of all users, of ${CONNECTIONS}`, () => {
  const user = 'user-025000';
  const after = { userId: user, mcpServerId: 'server-0', account: 'default' };

  test.each<[string, ConnectionFilter]>([
    ['without a filter', {}],
    ['of a user', { userId: user }],
    ['of a server', { mcpServerId: 'server-3' }],
    ['of a user and a server', { userId: user, mcpServerId: 'server-0' }],
    ['that are connected', { status: 'connected' }],
    ['to connect again', { status: 'reauth-required' }],
    ['to connect again at a server', { status: 'reauth-required', mcpServerId: 'server-1' }],
    ['by a frequent reason', { reason: 'invalid-grant' }],
    ['by a rare reason', { reason: 'invalid-client' }],
    ['by a server’s change', { reason: 'server-changed' }],
    ['of the last hour', { since: new Date('2026-03-11T09:00:00Z') }],
    ['since long ago', { since: new Date('2026-01-01T00:00:00Z') }],
    ['of the last hour at a server', { since: new Date('2026-03-11T09:00:00Z'), mcpServerId: 'server-3' }],
  ])('%s are found by an index, on the first page and on later ones', async (_, filter) => {
    for (const place of [undefined, after]) {
      const plan = await planOf((db) => listAllConnections(db, { filter, after: place, limit: LIMIT }));
      expectIndexed(plan, 'mcp_credential');
    }
  });
});

describe(`the audit log, of ${EVENTS} rows`, () => {
  const middle = { at: '2026-01-02T03:46:40.000000Z', id: '100000' };
  const late = new Date('2026-01-03T07:00:00Z');

  test.each<[string, AuditPage['filter']]>([
    ['all of it', {}],
    ['of a user', { userId: 'user-77' }],
    ['of an actor', { actorUserId: 'backend' }],
    ['of a server', { mcpServerId: 'server-70' }],
    ['since late', { since: late }],
    ['of a user since late', { userId: 'user-77', since: late }],
    ['of a frequent action', { action: 'connected' }],
    ['of a rare action', { action: 'keys-rotated' }],
    ['of a rare action since late', { action: 'keys-rotated', since: late }],
    ['of an action that nobody did', { action: 'repaired' }],
    ['with a status', { status: 'failed' }],
    ['with a reason', { reason: 'invalid-grant' }],
    ['with a status that no row has', { status: 'stored' }],
    ['with a reason, of a user', { reason: 'invalid-grant', userId: 'user-8' }],
  ])('%s is read by an index, in both orders', async (_, filter) => {
    for (const order of ['latest-first', 'oldest-first'] as const) {
      for (const after of [undefined, middle]) {
        const before = order === 'oldest-first' ? '2026-02-01T00:00:00Z' : undefined;
        const plan = await planOf((db) => readAudit(db, { filter, after, before, order, limit: LIMIT }));
        expectIndexed(plan, 'mcp_audit_event');
      }
    }
  });
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Runs a query as EXPLAIN ANALYZE. */
async function planOf(run: (db: Db) => Promise<unknown>): Promise<Plan> {
  let plan: Plan | undefined;
  const query = async (text: string, values: unknown[]) => {
    const explained = await pool.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
    plan = explained.rows[0]['QUERY PLAN'][0].Plan;
    return { rows: [] };
  };
  // The cast is enough: the lists call `query` alone, with a text and values.
  await run({ query } as unknown as Db);
  if (plan === undefined) throw new Error('nothing was asked');
  return plan;
}

function expectIndexed(plan: Plan, table: string): void {
  const scans = nodesOf(plan).filter((node) => node['Relation Name'] === table);
  expect(scans.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(MAX_PAGES);
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
