/**
 * The switch of a server: paused or not. Steps of a paused server wait. After the pause the server has a pending
 * resumption until every waiting step was told.
 */
import { appendAuditEvent } from '../audit/audit-log.ts';
import type { ServerResumption } from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';

type SwitchOutcome =
  | { kind: 'unknown-server' }
  | { kind: 'unchanged' }
  | { kind: 'paused' }
  | { kind: 'resumed'; resumption: number };

/**
 * Pauses or resumes a server, and appends the audit event if that changed something. Call this in a transaction. The
 * revision and the registration version stay, so connections stay valid.
 */
export async function switchServer(
  db: Db,
  id: string,
  { paused, actorUserId }: { paused: boolean; actorUserId: string | null },
): Promise<SwitchOutcome> {
  const { rows } = await db.query<{ paused: boolean }>(
    'SELECT paused FROM mcp_server WHERE id = $1 FOR UPDATE',
    [id],
  );
  if (rows[0] === undefined) return { kind: 'unknown-server' };
  if (rows[0].paused === paused) return { kind: 'unchanged' };
  const resumption = await writeSwitch(db, id, paused);
  const action = paused ? 'server-paused' : 'server-resumed';
  await appendAuditEvent(db, { action, actorUserId, mcpServerId: id });
  return resumption === undefined ? { kind: 'paused' } : { kind: 'resumed', resumption };
}

/**
 * Writes the switch of a server whose row is locked, and returns the number of the resumption if it is resumed. A
 * server that is paused has no pending resumption, because its steps would look again and wait on.
 */
export async function writeSwitch(db: Db, id: string, paused: boolean): Promise<number | undefined> {
  const { rows } = await db.query<{ pending_resumption: string | null }>(
    `UPDATE mcp_server SET paused = $2, updated_at = now(),
            pending_resumption = CASE WHEN NOT $2 THEN nextval('mcp_server_revision') END
      WHERE id = $1 RETURNING pending_resumption`,
    [id, paused],
  );
  const number = rows[0]?.pending_resumption ?? undefined;
  return number === undefined ? undefined : Number(number);
}

/** Returns a number for the resumption of a removed server. It is not stored. */
export async function nextResumption(db: Db): Promise<number> {
  const { rows } = await db.query<{ resumption: string }>(
    "SELECT nextval('mcp_server_revision') AS resumption",
  );
  return Number(rows[0]?.resumption);
}

/** False if the server is not registered. */
export async function isServerPaused(db: Db, id: string): Promise<boolean> {
  const { rows } = await db.query<{ paused: boolean }>('SELECT paused FROM mcp_server WHERE id = $1', [id]);
  return rows[0]?.paused ?? false;
}

/** Lists the resumptions that may not have told every waiting step yet, the oldest first. */
export async function listPendingServerResumptions(db: Db, limit: number): Promise<ServerResumption[]> {
  const { rows } = await db.query<{ id: string; pending_resumption: string }>(
    `SELECT id, pending_resumption FROM mcp_server
      WHERE pending_resumption IS NOT NULL ORDER BY pending_resumption LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ mcpServerId: row.id, resumption: Number(row.pending_resumption) }));
}

/** Ends a pending resumption. A later one of the same server stays pending. */
export async function endServerResumption(
  db: Db,
  { mcpServerId, resumption }: ServerResumption,
): Promise<void> {
  await db.query(
    'UPDATE mcp_server SET pending_resumption = NULL WHERE id = $1 AND pending_resumption = $2',
    [mcpServerId, resumption],
  );
}
