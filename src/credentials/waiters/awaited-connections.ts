import { splitScopes } from '../../contracts/scopes.ts';
import type { Db } from '../../db/pool.ts';

/** A connection that paused steps of its user wait for. The user may never have connected it. */
export interface AwaitedConnection {
  mcpServerId: string;
  account: string;
  waitingSteps: number;
  /** When the first of the steps began to wait. */
  since: Date;
  /** The scopes that steps paused for, together. */
  requiredScopes: string[];
}

/** More than a person sees at once. */
const MAX_CONNECTIONS = 1_000;

/**
 * Lists the connections that a user's paused steps wait for, the longest awaited first. Leaves out steps that a deposit
 * is just waking, and servers that can't be connected any more.
 */
export async function listAwaitedConnections(db: Db, userId: string): Promise<AwaitedConnection[]> {
  const { rows } = await db.query<AwaitedRow>(
    `SELECT w.mcp_server_id, w.account, count(*) AS steps, min(w.registered_at) AS since,
            string_agg(DISTINCT w.required_scopes, ' ') AS scopes
       FROM mcp_waiter w
       JOIN mcp_server s ON s.id = w.mcp_server_id
       LEFT JOIN mcp_credential c
         ON (c.user_id, c.mcp_server_id, c.account) = (w.user_id, w.mcp_server_id, w.account)
        AND c.status = 'connected' AND c.server_revision = s.revision
      WHERE w.user_id = $1 AND s.auth_type = 'oauth2'
        AND (c.user_id IS NULL OR w.seen_version >= c.credential_version)
      GROUP BY w.mcp_server_id, w.account
      ORDER BY since, w.mcp_server_id, w.account LIMIT $2`,
    [userId, MAX_CONNECTIONS],
  );
  return rows.map((row) => ({
    mcpServerId: row.mcp_server_id,
    account: row.account,
    waitingSteps: Number(row.steps),
    since: row.since,
    requiredScopes: [...new Set(splitScopes(row.scopes))].sort(),
  }));
}

interface AwaitedRow {
  mcp_server_id: string;
  account: string;
  steps: string;
  since: Date;
  scopes: string | null;
}
