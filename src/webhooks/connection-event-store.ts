import type { ConnectionReason } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';

/** What became of a connection, as the database's triggers wrote it down. */
export interface ConnectionEvent {
  id: string;
  userId: string;
  mcpServerId: string;
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  version: number;
  happenedAt: Date;
}

/** The oldest ones that no worker has taken on. */
export async function listConnectionEvents(db: Db, limit: number): Promise<ConnectionEvent[]> {
  const { rows } = await db.query<ConnectionEventRow>(
    `SELECT id, user_id, mcp_server_id, status, reason, version, happened_at
       FROM mcp_connection_event ORDER BY happened_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({
    id: row.id,
    userId: row.user_id,
    mcpServerId: row.mcp_server_id,
    status: row.status,
    reason: row.reason,
    version: Number(row.version),
    happenedAt: row.happened_at,
  }));
}

interface ConnectionEventRow {
  id: string;
  user_id: string;
  mcp_server_id: string;
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  version: string;
  happened_at: Date;
}

export async function removeConnectionEvents(db: Db, ids: string[]): Promise<void> {
  await db.query('DELETE FROM mcp_connection_event WHERE id = ANY ($1::uuid[])', [ids]);
}

/** In one statement, at most. */
const BATCH = 5_000;

/** Deletes the oldest of what is older than a day: nobody wants it any more, or nobody ever did. Answers how many. */
export async function deleteOldConnectionEvents(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_connection_event WHERE id IN (
       SELECT id FROM mcp_connection_event WHERE happened_at < now() - interval '1 day'
        ORDER BY happened_at LIMIT ${BATCH})`,
  );
  return rowCount ?? 0;
}

export async function deleteConnectionEventsOf(db: Db, userId: string): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM mcp_connection_event WHERE user_id = $1', [userId]);
  return rowCount ?? 0;
}
