import { randomUUID } from 'node:crypto';
import type { CredentialKey } from '../contracts/activities.ts';
import type { StoredResultReference, ToolResult } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';
import type { Vault } from '../vault/vault.ts';

export interface ResultStoreDependencies {
  db: Db;
  vault: Vault;
}

/** Whose result it is, and of which step. */
export interface ResultOwner extends CredentialKey {
  workflowId: string;
}

export type ReadResultOutcome =
  | { kind: 'found'; result: ToolResult }
  /** Never stored, another user's, or its retention is over. */
  | { kind: 'gone' }
  /** The operator can help by adding the key. */
  | { kind: 'key-missing'; kid: string }
  /** Tampered with, or given up. */
  | { kind: 'unreadable' };

/** Stores a result encrypted; what history gets to hold is the reference. */
export async function storeResult(
  { db, vault }: ResultStoreDependencies,
  { userId, mcpServerId, workflowId }: ResultOwner,
  json: string,
): Promise<StoredResultReference> {
  const id = randomUUID();
  const bytes = Buffer.byteLength(json);
  const jwe = await vault.seal('result', { userId, mcpServerId }, json);
  await db.query(
    `INSERT INTO mcp_stored_result (id, user_id, mcp_server_id, workflow_id, result_jwe, bytes)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [id, userId, mcpServerId, workflowId, jwe, bytes],
  );
  return { id, bytes };
}

export async function readResult(
  { db, vault }: ResultStoreDependencies,
  userId: string,
  id: string,
): Promise<ReadResultOutcome> {
  const { rows } = await db.query<{ mcp_server_id: string; result_jwe: string }>(
    'SELECT mcp_server_id, result_jwe FROM mcp_stored_result WHERE id = $1 AND user_id = $2',
    [id, userId],
  );
  const row = rows[0];
  if (row === undefined) return { kind: 'gone' };
  const opened = await vault.open('result', { userId, mcpServerId: row.mcp_server_id }, row.result_jwe);
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'unreadable' };
  // The cast is safe: the vault opens only what a `ToolResult` was sealed into.
  return { kind: 'found', result: JSON.parse(opened.plaintext) as ToolResult };
}

/** Deletes results older than the retention; answers how many. */
export async function deleteOldResults(db: Db, retentionDays: number): Promise<number> {
  const { rowCount } = await db.query(
    'DELETE FROM mcp_stored_result WHERE stored_at < now() - make_interval(days => $1)',
    [retentionDays],
  );
  return rowCount ?? 0;
}

export async function deleteResultsOf(db: Db, userId: string): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM mcp_stored_result WHERE user_id = $1', [userId]);
  return rowCount ?? 0;
}
