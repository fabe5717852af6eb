import type { CredentialKey } from '../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../db/pool.ts';

/**
 * Above whatever has been seen since the backup, also when the same backup is restored twice: no version rises as
 * fast as the milliseconds since 1970 go by. Below 2^53 for the next 285,000 years.
 */
const RAISED = (version: string) =>
  `greatest(${version} + 1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)`;

const PAGE = 5_000;

/**
 * After the database was restored from a backup: raises every version above what any step can have seen since
 * the backup, also those of connections that the backup does not know yet. Refreshes since then have spent tokens
 * that are current again: each is marked as one whose outcome may be lost, so that a user whose grant is gone is
 * told so. Leases of then are void. Answers how many connections there are. Again is harmless.
 */
export async function raiseVersions(pool: Pool): Promise<number> {
  await pool.query(
    `UPDATE mcp_version_floor
        SET credential_version = ${RAISED('credential_version')}, token_version = ${RAISED('token_version')}`,
  );
  let raised = 0;
  for (let page = await raisePage(pool, FIRST); page.last !== undefined; ) {
    raised += page.count;
    page = await raisePage(pool, page.last);
  }
  return raised;
}

/** Before every key. */
export const FIRST: CredentialKey = { userId: '', mcpServerId: '' };

async function raisePage(
  pool: Pool,
  after: CredentialKey,
): Promise<{ count: number; last: CredentialKey | undefined }> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ user_id: string; mcp_server_id: string }>(
      `WITH page AS (
         SELECT user_id, mcp_server_id FROM mcp_credential
          WHERE (user_id, mcp_server_id) > ($1, $2)
          ORDER BY user_id, mcp_server_id LIMIT ${PAGE}),
       raised AS (
         UPDATE mcp_credential c
            SET credential_version = ${RAISED('credential_version')},
                token_version = ${RAISED('token_version')},
                -- What processes of before the restoration still bring is of no grant that is stored now.
                grant_version = greatest(credential_version + 1, floor(extract(epoch FROM now()) * 1000)::bigint),
                lease_id = NULL, lease_until = NULL, grant_seq = greatest(grant_seq, stored_seq + 1)
           FROM page WHERE (c.user_id, c.mcp_server_id) = (page.user_id, page.mcp_server_id)
         RETURNING c.user_id, c.mcp_server_id)
       SELECT user_id, mcp_server_id FROM raised ORDER BY user_id, mcp_server_id`,
      [after.userId, after.mcpServerId],
    );
    // The triggers took each for a deposit; `now()` is this transaction's.
    await db.query('DELETE FROM mcp_connection_event WHERE happened_at = now()');
    const last = rows.at(-1);
    return {
      count: rows.length,
      last: last && { userId: last.user_id, mcpServerId: last.mcp_server_id },
    };
  });
}

/** One page of the connections that are not disconnected, in the order of their keys. */
export async function listConnectedKeys(
  db: Db,
  after: CredentialKey,
  limit: number,
): Promise<(CredentialKey & { version: number })[]> {
  const { rows } = await db.query<{ user_id: string; mcp_server_id: string; credential_version: string }>(
    `SELECT user_id, mcp_server_id, credential_version FROM mcp_credential
      WHERE status <> 'disconnected' AND (user_id, mcp_server_id) > ($1, $2)
      ORDER BY user_id, mcp_server_id LIMIT $3`,
    [after.userId, after.mcpServerId, limit],
  );
  return rows.map((row) => ({
    userId: row.user_id,
    mcpServerId: row.mcp_server_id,
    version: Number(row.credential_version),
  }));
}

/**
 * After Temporal was restored from a backup: a call that was scheduled before `at`, by Temporal's clock, counts as
 * lost when a worker takes it up.
 */
export async function recordTemporalRestored(db: Db, at: Date): Promise<void> {
  await db.query(
    `INSERT INTO mcp_restoration (temporal_restored_at) VALUES ($1)
     ON CONFLICT (singleton) DO UPDATE SET temporal_restored_at = excluded.temporal_restored_at`,
    [at],
  );
}
