import { randomUUID } from 'node:crypto';
import type { CredentialKey } from '../contracts/activities.ts';
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
  /** Shared by those that read or store at once. */
  turns?: Turns;
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

/** Stores a result, which is JSON in UTF-8, encrypted; what history gets to hold is the reference. */
export async function storeResult(
  { db, vault, turns = createTurns() }: SteppingDependencies,
  { userId, mcpServerId, workflowId }: ResultOwner,
  json: Buffer,
): Promise<StoredResultReference> {
  const id = randomUUID();
  const bytes = json.length;
  const jwe = await turns.take(await vault.sealInSteps('result', { userId, mcpServerId }, json));
  await db.query(
    `INSERT INTO mcp_stored_result (id, user_id, mcp_server_id, workflow_id, result_jwe, bytes)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [id, userId, mcpServerId, workflowId, jwe, bytes],
  );
  return { id, bytes };
}

/** It was within limits when it was stored. */
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
  const opened = await turns.take(await vault.openInSteps('result', binding, row.result_jwe));
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'unreadable' };
  // The cast is safe: the vault opens only what a `ToolResult` was sealed into.
  const result = (await turns.take(readJson(opened.plaintext, UNLIMITED))) as ToolResult;
  return { kind: 'found', result };
}

/** Deletes the oldest of what is past the retention; answers how many. 0: nothing is left. */
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

/** Deletes all results of a user, each part of them for itself: what is done stays done. Answers how many. */
export async function deleteResultsOf(db: Db, userId: string): Promise<number> {
  let deleted = 0;
  // Not until a part is empty: the retention may have been quicker with that very part.
  while ((await countResultsOf(db, userId)) > 0) deleted += await deleteBatch(db, 'user_id = $1', userId);
  return deleted;
}

/** In one statement, at most. A result has some hundred KiB, or 100 MiB: all of a user's, or of a day's, may take longer than a statement is given. */
const BATCH_ROWS = 100;
/** And, but for the first of them, at most. */
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
