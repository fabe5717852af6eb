import type { CredentialVersions } from '../../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../../db/pool.ts';

/** In one transaction, at most. */
const AT_MOST = 1_000;

/**
 * Deletes the tombstones of users who disconnected longer ago than the retention, and those of forgotten users;
 * answers how many. What is still to be revoked stays, and what a paused step waits on.
 */
export async function purgeTombstones(pool: Pool, retentionDays: number): Promise<number> {
  return inTransaction(pool, (db) => purge(db, { retentionDays, userId: null }));
}

/** The same at once, for a user who is to be forgotten. */
export async function purgeForgotten(pool: Pool, userId: string): Promise<number> {
  return inTransaction(pool, (db) => purge(db, { retentionDays: null, userId }));
}

export async function countTombstones(db: Db, userId: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `SELECT count(*) FROM mcp_credential WHERE user_id = $1 AND status = 'disconnected'`,
    [userId],
  );
  return Number(rows[0]?.count ?? 0);
}

/**
 * The versions that a first deposit must exceed. Until the end of its transaction no tombstone goes: a purge that
 * committed between this look and the insert would let versions restart.
 */
export async function readVersionFloor(db: Db): Promise<CredentialVersions> {
  const { rows } = await db.query<{ credential_version: string; token_version: string }>(
    'SELECT credential_version, token_version FROM mcp_version_floor FOR SHARE',
  );
  if (rows[0] === undefined) throw new Error('mcp_version_floor has no row');
  return {
    credentialVersion: Number(rows[0].credential_version),
    tokenVersion: Number(rows[0].token_version),
  };
}

interface PurgeScope {
  /** Null: only those of forgotten users. */
  retentionDays: number | null;
  /** Null: anybody's. */
  userId: string | null;
}

/**
 * A renewal that the disconnect has overtaken may bring tokens that are to be revoked: so long after its lease it
 * has had its answer, and has stored it.
 */
const RENEWALS_END_WITHIN = '2 minutes';

// A deposit that holds a tombstone's lock is about to make it a connection: it is skipped, not waited for.
async function purge(db: Db, { retentionDays, userId }: PurgeScope): Promise<number> {
  await db.query('SELECT FROM mcp_version_floor FOR UPDATE');
  const { rows } = await db.query<{ purged: string }>(
    `WITH due AS MATERIALIZED (
       SELECT user_id, mcp_server_id FROM mcp_credential c
        WHERE status = 'disconnected' AND revocation_jwe IS NULL
          AND (forgotten_at IS NOT NULL OR updated_at < now() - make_interval(days => $1))
          AND ($2::text IS NULL OR user_id = $2)
          AND (lease_until IS NULL OR lease_until < clock_timestamp() - interval '${RENEWALS_END_WITHIN}')
          AND NOT EXISTS (SELECT FROM mcp_step_waiter w
                           WHERE w.user_id = c.user_id AND w.mcp_server_id = c.mcp_server_id)
        ORDER BY updated_at LIMIT ${AT_MOST} FOR UPDATE SKIP LOCKED
     ), gone AS (
       DELETE FROM mcp_credential c USING due
        WHERE c.user_id = due.user_id AND c.mcp_server_id = due.mcp_server_id
       RETURNING c.credential_version, c.token_version
     )
     UPDATE mcp_version_floor SET
       credential_version = greatest(credential_version, (SELECT max(credential_version) FROM gone)),
       token_version = greatest(token_version, (SELECT max(token_version) FROM gone))
     WHERE EXISTS (SELECT FROM gone)
     RETURNING (SELECT count(*) FROM gone) AS purged`,
    [retentionDays, userId],
  );
  return Number(rows[0]?.purged ?? 0);
}
