import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { keyValues, OF_KEY } from '../credential-key.ts';

/** Returns the ids of the first steps that wait for a connection, and how many wait. */
export async function waitingStepsOf(
  db: Db,
  key: CredentialKey,
  limit: number,
): Promise<{ count: number; stepIds: string[] }> {
  const { rows } = await db.query<{ step_id: string; total: string }>(
    `SELECT step_id, count(*) OVER () AS total FROM mcp_waiter
      WHERE ${OF_KEY} ORDER BY registered_at, workflow_id LIMIT $4`,
    [...keyValues(key), limit],
  );
  return { count: Number(rows[0]?.total ?? 0), stepIds: rows.map((row) => row.step_id) };
}

/** Counts the steps of all users that wait for a connection to a server. */
export async function countWaitersFor(db: Db, mcpServerId: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    'SELECT count(*) FROM mcp_waiter WHERE mcp_server_id = $1',
    [mcpServerId],
  );
  return Number(rows[0]?.count ?? 0);
}

/** Counts the steps and listings of all users that wait for a deposit, by what their pause asks for. */
export async function countWaiters(db: Db): Promise<{ forReauth: number; forScope: number }> {
  const { rows } = await db.query<{ total: string; for_scope: string }>(
    `SELECT sum(total) AS total, sum(for_scope) AS for_scope FROM (
       SELECT count(*) AS total, count(required_scopes) AS for_scope FROM mcp_step_waiter
       UNION ALL
       SELECT count(DISTINCT workflow_id), count(DISTINCT workflow_id) FILTER (WHERE required_scopes IS NOT NULL)
         FROM mcp_listing_waiter) AS counts`,
  );
  const { total = 0, for_scope: forScope = 0 } = rows[0] ?? {};
  return { forReauth: Number(total) - Number(forScope), forScope: Number(forScope) };
}
