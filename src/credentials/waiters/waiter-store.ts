import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { type KeyRow, keyFromRow, keyValues, OF_KEY } from '../credential-key.ts';
import { changeAllWaiters } from './change-all-waiters.ts';

/**
 * A paused step, or one of the connections that a listing waits for. It waits until the version of the credential
 * exceeds `seenVersion`.
 */
export interface Waiter extends CredentialKey {
  workflowId: string;
  /** A listing of tools waits for several connections, a step for one. */
  ofListing?: boolean;
  stepId: string;
  seenVersion: number;
  /** With a pause for scope: what the user has to consent to. */
  requiredScopes?: readonly string[];
}

/** A paused step that must be woken, with the version that it saw. */
export type DueWaiter = Pick<Waiter, 'workflowId' | 'seenVersion'>;

/** Commits before it returns. The caller reads the credential's version again only afterwards. */
export async function registerWaiter(db: Db, waiter: Waiter): Promise<void> {
  await db.query(
    `${waiter.ofListing ? INSERT_OF_LISTING : INSERT_OF_STEP}
       user_id = excluded.user_id, step_id = excluded.step_id, seen_version = excluded.seen_version,
       required_scopes = excluded.required_scopes, registered_at = now(), alive_at = now()`,
    [
      ...keyValues(waiter),
      waiter.workflowId,
      waiter.stepId,
      waiter.seenVersion,
      waiter.requiredScopes?.join(' ') ?? null,
    ],
  );
}

const COLUMNS_AND_VALUES = `(user_id, mcp_server_id, account, workflow_id, step_id, seen_version, required_scopes)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const INSERT_OF_STEP = `INSERT INTO mcp_step_waiter ${COLUMNS_AND_VALUES}
     ON CONFLICT (workflow_id) DO UPDATE SET
       mcp_server_id = excluded.mcp_server_id, account = excluded.account,`;

const INSERT_OF_LISTING = `INSERT INTO mcp_listing_waiter ${COLUMNS_AND_VALUES}
     ON CONFLICT (workflow_id, mcp_server_id, account) DO UPDATE SET`;

/** Deletes all waiters of a workflow: a listing may have one for each connection. */
export async function removeWaiters(db: Db, workflowId: string): Promise<void> {
  await changeAllWaiters(db, (table) => `DELETE FROM ${table} WHERE workflow_id = $1`, [workflowId]);
}

/** Deletes a workflow's waiter for one connection. */
export async function removeWaiter(db: Db, workflowId: string, key: CredentialKey): Promise<void> {
  await changeAllWaiters(db, (table) => `DELETE FROM ${table} WHERE ${OF_KEY} AND workflow_id = $4`, [
    ...keyValues(key),
    workflowId,
  ]);
}

/**
 * Deletes exactly the waiters that were signalled. A step that has paused again saw a newer version, and stays, and so
 * does what a listing waits for at other servers.
 */
export async function removeWoken(db: Db, key: CredentialKey, woken: DueWaiter[]): Promise<void> {
  await changeAllWaiters(
    db,
    (table) => `DELETE FROM ${table} w
      USING unnest($4::text[], $5::bigint[]) AS woken (workflow_id, seen_version)
      WHERE w.user_id = $1 AND w.mcp_server_id = $2 AND w.account = $3
        AND w.workflow_id = woken.workflow_id AND w.seen_version = woken.seen_version`,
    [...keyValues(key), woken.map((waiter) => waiter.workflowId), woken.map((waiter) => waiter.seenVersion)],
  );
}

/**
 * Lists one page of the steps that saw a version before `version`, in the order of their workflow ids. The stored
 * version is the upper limit: a forged `version` would otherwise remove waiters that still wait for a deposit.
 */
export async function listDueWaiters(
  db: Db,
  key: CredentialKey,
  version: number,
  page: { after: string; limit: number },
): Promise<DueWaiter[]> {
  const { rows } = await db.query<{ workflow_id: string; seen_version: string }>(
    `SELECT w.workflow_id, w.seen_version
       FROM mcp_waiter w
       JOIN mcp_credential c ON (c.user_id, c.mcp_server_id, c.account) = (w.user_id, w.mcp_server_id, w.account)
      WHERE w.user_id = $1 AND w.mcp_server_id = $2 AND w.account = $3 AND w.workflow_id > $5
        AND w.seen_version < least($4, c.credential_version)
      ORDER BY w.workflow_id LIMIT $6`,
    [...keyValues(key), version, page.after, page.limit],
  );
  return rows.map((row) => ({ workflowId: row.workflow_id, seenVersion: Number(row.seen_version) }));
}

export async function countDueWaiters(db: Db, key: CredentialKey, version: number): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `SELECT count(*) FROM mcp_waiter
      WHERE ${OF_KEY} AND seen_version < $4`,
    [...keyValues(key), version],
  );
  return Number(rows[0]?.count ?? 0);
}

/**
 * Returns the scopes that the waiting steps of a connection need together, so that one consent ends all their pauses.
 */
export async function requiredScopesOfWaiters(db: Db, key: CredentialKey): Promise<string[]> {
  const { rows } = await db.query<{ scope: string }>(
    `SELECT DISTINCT scope FROM mcp_waiter, string_to_table(required_scopes, ' ') AS scope
      WHERE ${OF_KEY} AND scope <> '' ORDER BY scope`,
    keyValues(key),
  );
  return rows.map((row) => row.scope);
}

/**
 * Lists the connections that steps still wait for after a deposit: the start of `resumeSteps`, or a signal, was lost.
 */
export async function listLostResumptions(
  db: Db,
  limit: number,
): Promise<(CredentialKey & { version: number })[]> {
  // The LIMIT 1 keeps the planner from a join that reads every credential: each awaited one is looked up by its key.
  const { rows } = await db.query<KeyRow & { credential_version: string }>(
    `SELECT c.user_id, c.mcp_server_id, c.account, c.credential_version
       FROM (SELECT user_id, mcp_server_id, account, min(seen_version) AS seen_version
               FROM mcp_waiter GROUP BY user_id, mcp_server_id, account) AS awaited
      CROSS JOIN LATERAL (
        SELECT c.user_id, c.mcp_server_id, c.account, c.credential_version FROM mcp_credential c
         WHERE c.user_id = awaited.user_id AND c.mcp_server_id = awaited.mcp_server_id
           AND c.account = awaited.account
           AND c.status = 'connected' AND c.credential_version > awaited.seen_version
         LIMIT 1) AS c
      LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ ...keyFromRow(row), version: Number(row.credential_version) }));
}
