import type { CredentialKey } from '../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../db/pool.ts';
import { type KeyRow, keyFromRow, keyValues } from './credential-key.ts';

/**
 * A version above every one that can have been seen since the backup, even if the same backup is restored twice: no
 * version rises as fast as the milliseconds since 1970. Below 2^53 for the next 285,000 years.
 */
const RAISED = (version: string) =>
  `greatest(${version} + 1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)`;

const PAGE_SIZE = 5_000;

/**
 * Raises every version after the database was restored from a backup, above those that a step can have seen since the
 * backup, also for connections that the backup does not contain. Refreshes since then may have spent the refresh tokens
 * that are current again, so each connection gets an unfinished intent: a user whose grant is lost is told
 * `refresh-outcome-lost`. Ends all leases. Returns the number of connections. Safe to run again.
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

/** Sorts before every key. */
export const FIRST: CredentialKey = { userId: '', mcpServerId: '', account: '' };

async function raisePage(
  pool: Pool,
  after: CredentialKey,
): Promise<{ count: number; last: CredentialKey | undefined }> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<KeyRow>(
      `WITH page AS (
         SELECT user_id, mcp_server_id, account FROM mcp_credential
          WHERE (user_id, mcp_server_id, account) > ($1, $2, $3)
          ORDER BY user_id, mcp_server_id, account LIMIT ${PAGE_SIZE}),
       raised AS (
         UPDATE mcp_credential c
            SET credential_version = ${RAISED('credential_version')},
                token_version = ${RAISED('token_version')},
                -- A process that ran before the restoration may still bring tokens. They belong to another grant.
                grant_version = greatest(credential_version + 1, floor(extract(epoch FROM now()) * 1000)::bigint),
                lease_id = NULL, lease_until = NULL, grant_seq = greatest(grant_seq, stored_seq + 1)
           FROM page WHERE (c.user_id, c.mcp_server_id, c.account) = (page.user_id, page.mcp_server_id, page.account)
         RETURNING c.user_id, c.mcp_server_id, c.account)
       SELECT * FROM raised ORDER BY user_id, mcp_server_id, account`,
      keyValues(after),
    );
    // The triggers took each update for a deposit; `now()` is the time of this transaction.
    await db.query('DELETE FROM mcp_connection_event WHERE happened_at = now()');
    const last = rows.at(-1);
    return {
      count: rows.length,
      last: last && keyFromRow(last),
    };
  });
}

/** Lists one page of the connections that are not disconnected, in the order of their keys. */
export async function listConnectedKeys(
  db: Db,
  after: CredentialKey,
  limit: number,
): Promise<(CredentialKey & { version: number })[]> {
  const { rows } = await db.query<KeyRow & { credential_version: string }>(
    `SELECT user_id, mcp_server_id, account, credential_version FROM mcp_credential
      WHERE status <> 'disconnected' AND (user_id, mcp_server_id, account) > ($1, $2, $3)
      ORDER BY user_id, mcp_server_id, account LIMIT $4`,
    [...keyValues(after), limit],
  );
  return rows.map((row) => ({
    ...keyFromRow(row),
    version: Number(row.credential_version),
  }));
}

/**
 * Records that Temporal was restored from a backup: a call that was scheduled before `at`, by Temporal's clock, counts
 * as lost when a worker picks it up.
 */
export async function recordTemporalRestored(db: Db, at: Date): Promise<void> {
  await db.query(
    `INSERT INTO mcp_restoration (temporal_restored_at) VALUES ($1)
     ON CONFLICT (singleton) DO UPDATE SET temporal_restored_at = excluded.temporal_restored_at`,
    [at],
  );
}
