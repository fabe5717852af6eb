import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { type KeyRow, keyFromRow, keyValues, OF_KEY } from '../credential-key.ts';

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

/**
 * Changes the waiters of steps and those of listings in one statement; returns the number of changed rows.
 *
 * @param statement a DELETE or UPDATE of the table, without RETURNING
 */
async function changeAll(db: Db, statement: (table: string) => string, values: unknown[]): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `WITH of_steps AS (${statement('mcp_step_waiter')} RETURNING 1),
          of_listings AS (${statement('mcp_listing_waiter')} RETURNING 1)
     SELECT (SELECT count(*) FROM of_steps) + (SELECT count(*) FROM of_listings) AS count`,
    values,
  );
  return Number(rows[0]?.count ?? 0);
}

/** Deletes all waiters of a workflow: a listing may have one for each connection. */
export async function removeWaiters(db: Db, workflowId: string): Promise<void> {
  await changeAll(db, (table) => `DELETE FROM ${table} WHERE workflow_id = $1`, [workflowId]);
}

/** Deletes a workflow's waiter for one connection. */
export async function removeWaiter(db: Db, workflowId: string, key: CredentialKey): Promise<void> {
  await changeAll(db, (table) => `DELETE FROM ${table} WHERE ${OF_KEY} AND workflow_id = $4`, [
    ...keyValues(key),
    workflowId,
  ]);
}

/**
 * Deletes exactly the waiters that were signalled. A step that has paused again saw a newer version, and stays, and so
 * does what a listing waits for at other servers.
 */
export async function removeWoken(db: Db, key: CredentialKey, woken: DueWaiter[]): Promise<void> {
  await changeAll(
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
  const { rows } = await db.query<KeyRow & { credential_version: string }>(
    `SELECT DISTINCT c.user_id, c.mcp_server_id, c.account, c.credential_version
       FROM mcp_waiter w
       JOIN mcp_credential c ON (c.user_id, c.mcp_server_id, c.account) = (w.user_id, w.mcp_server_id, w.account)
      WHERE c.status = 'connected' AND w.seen_version < c.credential_version
      LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ ...keyFromRow(row), version: Number(row.credential_version) }));
}

/** Lists one page of the waiters without a sign of life for `days`, the longest first. */
export async function listSilentWaiters(db: Db, days: number, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ workflow_id: string }>(
    `SELECT workflow_id FROM mcp_waiter
      WHERE alive_at < now() - make_interval(days => $1) ORDER BY alive_at LIMIT $2`,
    [days, limit],
  );
  return rows.map((row) => row.workflow_id);
}

export async function noteAlive(db: Db, workflowIds: string[]): Promise<void> {
  await changeAll(
    db,
    (table) => `UPDATE ${table} SET alive_at = now() WHERE workflow_id = ANY ($1::text[])`,
    [workflowIds],
  );
}

/** Deletes the waiters of steps that have ended, unless another step has registered under the same id meanwhile. */
export async function removeSilent(db: Db, workflowIds: string[], days: number): Promise<number> {
  return changeAll(
    db,
    (table) => `DELETE FROM ${table}
      WHERE workflow_id = ANY ($1::text[]) AND alive_at < now() - make_interval(days => $2)`,
    [workflowIds, days],
  );
}

export interface WaiterAsRead {
  workflowId: string;
  /** Its last sign of life when it was read, as the database writes it: to the microsecond. */
  aliveAt: string;
}

/** Lists one page of a user's waiters, the longest without a sign of life first. */
export async function listWaitersOf(
  db: Db,
  userId: string,
  page: { after: WaiterAsRead | undefined; limit: number },
): Promise<WaiterAsRead[]> {
  const { aliveAt, workflowId } = page.after ?? { aliveAt: '-infinity', workflowId: '' };
  const { rows } = await db.query<{ workflow_id: string; alive_at: string }>(
    `SELECT w.workflow_id, w.alive_at::text FROM mcp_waiter w
      WHERE w.user_id = $1 AND (w.alive_at, w.workflow_id) > ($2::timestamptz, $3)
      ORDER BY w.alive_at, w.workflow_id LIMIT $4`,
    [userId, aliveAt, workflowId, page.limit],
  );
  return rows.map((row) => ({ workflowId: row.workflow_id, aliveAt: row.alive_at }));
}

/** Deletes the waiters of steps that have ended, unless another step has registered under the same id meanwhile. */
export async function removeEnded(db: Db, ended: WaiterAsRead[]): Promise<void> {
  await changeAll(
    db,
    (table) => `DELETE FROM ${table} w
      USING unnest($1::text[], $2::text[]) AS ended (workflow_id, alive_at)
      WHERE w.workflow_id = ended.workflow_id AND w.alive_at::text = ended.alive_at`,
    [ended.map((waiter) => waiter.workflowId), ended.map((waiter) => waiter.aliveAt)],
  );
}

export async function listWaitingWorkflows(db: Db, userId: string): Promise<string[]> {
  const { rows } = await db.query<{ workflow_id: string }>(
    'SELECT DISTINCT workflow_id FROM mcp_waiter WHERE user_id = $1',
    [userId],
  );
  return rows.map((row) => row.workflow_id);
}

export async function removeWaitersOf(db: Db, userId: string): Promise<number> {
  return changeAll(db, (table) => `DELETE FROM ${table} WHERE user_id = $1`, [userId]);
}

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
