import type { CredentialVersions } from '../../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../../db/pool.ts';

/** Tombstones in one transaction. */
const BATCH_SIZE = 1_000;

/**
 * Deletes the tombstones that are older than the retention, and those of forgotten users; returns their number. A
 * tombstone stays while its grant is still to be revoked, or while a paused step waits for the connection.
 */
export async function purgeTombstones(pool: Pool, retentionDays: number): Promise<number> {
  return inTransaction(pool, (db) => purge(db, { retentionDays, userId: null }));
}

/** Deletes the tombstones of a user who is being forgotten, whatever their age. */
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
 * Reads the versions that a first deposit must exceed. Until the end of the deposit's transaction no tombstone can be
 * purged: a purge that committed between this read and the insert would let the versions restart.
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
  /** Null: only tombstones of forgotten users. */
  retentionDays: number | null;
  /** Null: all users. */
  userId: string | null;
}

/**
 * A refresh that was under way at the disconnect may bring tokens that must be revoked. So long after the end of its
 * lease, its answer has arrived and is stored.
 */
const REFRESH_GRACE = '2 minutes';

// A deposit that holds a tombstone's lock is about to turn it into a connection: that row is skipped, not waited for.
async function purge(db: Db, { retentionDays, userId }: PurgeScope): Promise<number> {
  await db.query('SELECT FROM mcp_version_floor FOR UPDATE');
  const { rows } = await db.query<{ purged: string }>(
    `WITH due AS MATERIALIZED (
       SELECT user_id, mcp_server_id, account FROM mcp_credential c
        WHERE status = 'disconnected' AND revocation_jwe IS NULL
          AND (forgotten_at IS NOT NULL OR updated_at < now() - make_interval(days => $1))
          AND ($2::text IS NULL OR user_id = $2)
          AND (lease_until IS NULL OR lease_until < clock_timestamp() - interval '${REFRESH_GRACE}')
          AND NOT EXISTS (SELECT FROM mcp_waiter w
                           WHERE w.user_id = c.user_id AND w.mcp_server_id = c.mcp_server_id
                             AND w.account = c.account)
        ORDER BY updated_at LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED
     ), gone AS (
       DELETE FROM mcp_credential c USING due
        WHERE c.user_id = due.user_id AND c.mcp_server_id = due.mcp_server_id AND c.account = due.account
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
