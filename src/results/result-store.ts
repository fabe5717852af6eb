import { randomUUID } from 'node:crypto';
import type { CredentialKey, KeyMissing } from '../contracts/activities.ts';
import type { StoredResultReference, ToolResult } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';
import type { JsonLimits } from '../turns/json-limits.ts';
import { readJson } from '../turns/read-json.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import type { Vault } from '../vault/vault.ts';

export interface ResultStoreDependencies {
  db: Db;
  vault: Vault;
}

export interface SteppingDependencies extends ResultStoreDependencies {
  /** Shared by concurrent reads and writes. Default: new ones for each. */
  turns?: Turns;
}

/** The user, server and step that a result belongs to. */
export interface ResultOwner extends CredentialKey {
  workflowId: string;
}

export type ReadResultOutcome =
  | { kind: 'found'; result: ToolResult }
  /** Never stored, another user's, or deleted after its retention. */
  | { kind: 'gone' }
  /** The operator can help by configuring the key. */
  | KeyMissing
  /** The stored bytes were changed, or the key was given up. */
  | { kind: 'unreadable' };

/** Encrypts and stores a result, given as JSON in UTF-8; returns the reference that history records. */
export async function storeResult(
  { db, vault, turns = createTurns() }: SteppingDependencies,
  { userId, mcpServerId, workflowId }: ResultOwner,
  json: Buffer,
): Promise<StoredResultReference> {
  const id = randomUUID();
  const bytes = json.length;
  const jwe = await turns.take(await vault.sealInPieces('result', { userId, mcpServerId }, json));
  await db.query(
    `INSERT INTO mcp_stored_result (id, user_id, mcp_server_id, workflow_id, result_jwe, bytes)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [id, userId, mcpServerId, workflowId, jwe, bytes],
  );
  return { id, bytes };
}

/** The limits were checked before the result was stored. */
const UNLIMITED: JsonLimits = {
  nesting: Number.POSITIVE_INFINITY,
  values: Number.POSITIVE_INFINITY,
  members: Number.POSITIVE_INFINITY,
  keyLength: Number.POSITIVE_INFINITY,
  numberLength: Number.POSITIVE_INFINITY,
};

export async function readResult(
  { db, vault, turns = createTurns() }: SteppingDependencies,
  userId: string,
  id: string,
): Promise<ReadResultOutcome> {
  const { rows } = await db.query<{ mcp_server_id: string; result_jwe: string }>(
    'SELECT mcp_server_id, result_jwe FROM mcp_stored_result WHERE id = $1 AND user_id = $2',
    [id, userId],
  );
  const row = rows[0];
  if (row === undefined) return { kind: 'gone' };
  const binding = { userId, mcpServerId: row.mcp_server_id };
  const opened = await turns.take(await vault.openInPieces('result', binding, row.result_jwe));
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'unreadable' };
  // The cast is safe: the vault has sealed nothing else for the purpose `result`.
  const result = (await turns.take(readJson(opened.plaintext, UNLIMITED))) as ToolResult;
  return { kind: 'found', result };
}

/** Deletes a batch of expired results, oldest first. Returns their number; 0 if nothing is left. */
export async function deleteOldResults(db: Db, retentionDays: number): Promise<number> {
  return deleteBatch(db, 'stored_at < now() - make_interval(days => $1)', retentionDays);
}

export async function countResultsOf(db: Db, userId: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    'SELECT count(*) FROM mcp_stored_result WHERE user_id = $1',
    [userId],
  );
  return Number(rows[0]?.count ?? 0);
}

/** Deletes all results of a user, batch by batch, each in its own transaction. Returns their number. */
export async function deleteResultsOf(db: Db, userId: string): Promise<number> {
  let deleted = 0;
  // Counts again instead of stopping at an empty batch: the retention may have deleted the rows of a batch first.
  while ((await countResultsOf(db, userId)) > 0) deleted += await deleteBatch(db, 'user_id = $1', userId);
  return deleted;
}

/**
 * Rows of one statement. A result has some hundred KiB, or up to 100 MiB, so the results of a user or a day may
 * exceed the time limit of a statement.
 */
const BATCH_ROWS = 100;
/** Bytes of one statement. A single larger result is deleted alone. */
const BATCH_BYTES = 64 * 1024 * 1024;

async function deleteBatch(db: Db, which: string, value: string | number): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_stored_result WHERE id IN (
       SELECT id FROM (
         SELECT id, row_number() OVER page AS number, sum(bytes) OVER page AS bytes
           FROM (SELECT id, stored_at, bytes FROM mcp_stored_result
                  WHERE ${which} ORDER BY stored_at, id LIMIT ${BATCH_ROWS}) AS oldest
         WINDOW page AS (ORDER BY stored_at, id)) AS page
        WHERE number = 1 OR bytes <= ${BATCH_BYTES})`,
    [value],
  );
  return rowCount ?? 0;
}
