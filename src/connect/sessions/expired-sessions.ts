import type { Db } from '../../db/pool.ts';

/** Rows of one statement. */
const BATCH_SIZE = 1_000;

/** Deletes authorization requests whose answer did not come in time. */
export async function deleteOldAuthorizations(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_authorization WHERE state_hash IN (
       SELECT state_hash FROM mcp_authorization WHERE expires_at <= now() ORDER BY expires_at LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

/** Deletes the tokens of consents that were not confirmed in time. They are not revoked. */
export async function dropOldPendingDeposits(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE mcp_connect_session SET pending_jwe = NULL WHERE id IN (
       SELECT id FROM mcp_connect_session WHERE pending_kid IS NOT NULL AND active_until <= now()
        LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

/** Deletes sessions a day after their end, until which a host can read the outcome. */
export async function deleteOldSessions(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_connect_session WHERE id IN (
       SELECT id FROM mcp_connect_session
        WHERE expires_at < now() - interval '1 day'
          AND (active_until IS NULL OR active_until < now() - interval '1 day')
        ORDER BY expires_at LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

/** Deletes a user's sessions, and the authorization requests and pending consents with them. */
export async function deleteConnectSessionsOf(db: Db, userId: string): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM mcp_connect_session WHERE user_id = $1', [userId]);
  return rowCount ?? 0;
}
