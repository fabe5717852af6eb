import type { ConnectionReason } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';

/** A change of a connection, as recorded by the database's triggers. */
export interface ConnectionEvent {
  id: string;
  userId: string;
  mcpServerId: string;
  account: string;
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  version: number;
  happenedAt: Date;
}

/** Returns the oldest events whose delivery has not been started. */
export async function listConnectionEvents(db: Db, limit: number): Promise<ConnectionEvent[]> {
  const { rows } = await db.query<ConnectionEventRow>(
    `SELECT id, user_id, mcp_server_id, account, status, reason, version, happened_at
       FROM mcp_connection_event ORDER BY happened_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({
    id: row.id,
    userId: row.user_id,
    mcpServerId: row.mcp_server_id,
    account: row.account,
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
  account: string;
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  version: string;
  happened_at: Date;
}

export async function removeConnectionEvents(db: Db, ids: string[]): Promise<void> {
  await db.query('DELETE FROM mcp_connection_event WHERE id = ANY ($1::uuid[])', [ids]);
}

/** Rows of one statement. */
const BATCH_SIZE = 5_000;

/**
 * Deletes a batch of events older than a day. Their delivery was never started, for example because no receiver is
 * configured.
 *
 * @returns the number of deleted rows
 */
export async function deleteOldConnectionEvents(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_connection_event WHERE id IN (
       SELECT id FROM mcp_connection_event WHERE happened_at < now() - interval '1 day'
        ORDER BY happened_at LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

export async function deleteConnectionEventsOf(db: Db, userId: string): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM mcp_connection_event WHERE user_id = $1', [userId]);
  return rowCount ?? 0;
}
