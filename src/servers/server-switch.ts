/**
 * The switch of a server: paused or not. Steps of a paused server wait. After the pause the server has a pending
 * resumption until every waiting step was told.
 */
import { appendAuditEvent } from '../audit/audit-log.ts';
import type { ServerResumption } from '../contracts/background-activities.ts';
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
  await db.query('UPDATE mcp_server SET paused = $2, updated_at = now() WHERE id = $1', [id, paused]);
  if (!paused) return storeResumption(db, id);
  await db.query('DELETE FROM mcp_server_resumption WHERE mcp_server_id = $1', [id]);
  return undefined;
}

/**
 * Stores the resumption of a server that is being removed, and returns its number. Undefined: it was not paused, and
 * every step has been told.
 */
export async function resumeRemovedServer(
  db: Db,
  id: string,
  wasPaused: boolean,
): Promise<number | undefined> {
  if (wasPaused) return storeResumption(db, id);
  const { rowCount } = await db.query('SELECT FROM mcp_server_resumption WHERE mcp_server_id = $1', [id]);
  return rowCount === 0 ? undefined : storeResumption(db, id);
}

/** Replaces an earlier resumption of the server. */
async function storeResumption(db: Db, id: string): Promise<number> {
  const { rows } = await db.query<{ resumption: string }>(
    `INSERT INTO mcp_server_resumption (mcp_server_id, resumption) VALUES ($1, nextval('mcp_server_revision'))
     ON CONFLICT (mcp_server_id) DO UPDATE SET resumption = excluded.resumption RETURNING resumption`,
    [id],
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
  const { rows } = await db.query<{ mcp_server_id: string; resumption: string }>(
    'SELECT mcp_server_id, resumption FROM mcp_server_resumption ORDER BY resumption LIMIT $1',
    [limit],
  );
  return rows.map((row) => ({ mcpServerId: row.mcp_server_id, resumption: Number(row.resumption) }));
}

/** Ends a pending resumption. A later one of the same server stays pending. */
export async function endServerResumption(
  db: Db,
  { mcpServerId, resumption }: ServerResumption,
): Promise<void> {
  await db.query('DELETE FROM mcp_server_resumption WHERE mcp_server_id = $1 AND resumption = $2', [
    mcpServerId,
    resumption,
  ]);
}

/** Lists the ids of the servers that are paused now. */
export async function listPausedServers(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>('SELECT id FROM mcp_server WHERE paused ORDER BY id');
  return rows.map(({ id }) => id);
}
