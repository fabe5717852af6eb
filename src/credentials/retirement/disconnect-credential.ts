import { appendAuditEvent } from '../../audit/audit-log.ts';
import { accountOf } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../../db/pool.ts';
import { type KeyRow, keyFromRow, keyValues, OF_KEY } from '../credential-key.ts';
import type { Lease } from '../refresh/lease-store.ts';

/**
 * Disconnects an account of a user from a server. The tokens are deleted at once, and the row stays as a tombstone for
 * a while. Its grant moves out of reach of calls and renewals until it has been revoked. Returns the new version, or
 * undefined if there was no connection.
 *
 * @param actorUserId who disconnects, for the audit log; null: the operator
 */
export async function disconnectCredential(
  pool: Pool,
  key: CredentialKey,
  actorUserId: string | null = key.userId,
): Promise<number | undefined> {
  const [disconnected] = await inTransaction(pool, (db) =>
    disconnect(db, { userId: key.userId, key, actorUserId }),
  );
  return disconnected?.version;
}

/**
 * Disconnects all accounts of a user from all servers for good: the tombstones are deleted as soon as nothing is left
 * to revoke. Must be called in a transaction. Returns the connections that existed until now.
 */
export async function forgetConnections(db: Db, userId: string): Promise<Disconnected[]> {
  const disconnected = await disconnect(db, { userId, key: null, actorUserId: null });
  await db.query(
    'UPDATE mcp_credential SET forgotten_at = now() WHERE user_id = $1 AND forgotten_at IS NULL',
    [userId],
  );
  return disconnected;
}

export type Disconnected = CredentialKey & { version: number };

type VersionRow = KeyRow & { credential_version: string };

function disconnectedFromRow(row: VersionRow): Disconnected {
  return { ...keyFromRow(row), version: Number(row.credential_version) };
}

/** @param target.key null: all servers and accounts */
async function disconnect(
  db: Db,
  target: { userId: string; key: CredentialKey | null; actorUserId: string | null },
): Promise<Disconnected[]> {
  const { userId, key, actorUserId } = target;
  const { rows } = await db.query<VersionRow>(
    `UPDATE mcp_credential SET
       status = 'disconnected', reason = NULL, credential_version = credential_version + 1,
       token_version = token_version + 1, revocation_jwe = grant_jwe, grant_jwe = NULL,
       access_token_jwe = NULL, renew_after = NULL, expires_at = NULL, scopes = NULL, client_secret_expires_at = NULL,
       label = NULL, subject = NULL,
       -- A holder may still be waiting for an answer: the tombstone outlives it, for keepForRevocation.
       lease_until = CASE WHEN lease_id IS NULL THEN NULL ELSE lease_until END,
       lease_id = NULL, stored_seq = grant_seq, updated_at = now()
     WHERE user_id = $1 AND ($2::text IS NULL OR mcp_server_id = $2 AND account = $3)
       AND status <> 'disconnected'
     RETURNING user_id, mcp_server_id, account, credential_version`,
    [userId, key?.mcpServerId ?? null, key && accountOf(key)],
  );
  const disconnected = rows.map(disconnectedFromRow);
  for (const { version, ...one } of disconnected) {
    await appendAuditEvent(db, { action: 'disconnected', actorUserId, ...one, details: { version } });
  }
  return disconnected;
}

/**
 * Keeps the grant that a refresh brought after its user had disconnected, to be revoked in place of the one that was
 * sent: a server need not accept a spent token as the grant's. No effect if a deposit has replaced the connection.
 */
export async function keepForRevocation(db: Db, { key, seen }: Lease, grantJwe: string): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET revocation_jwe = $5, updated_at = now()
      WHERE ${OF_KEY} AND status = 'disconnected' AND grant_version <= $4`,
    [...keyValues(key), seen.credentialVersion, grantJwe],
  );
}

/** Returns the sealed grant of a disconnected connection that is still to be revoked. */
export async function findPendingRevocation(db: Db, key: CredentialKey): Promise<string | undefined> {
  const { rows } = await db.query<{ revocation_jwe: string }>(
    `SELECT revocation_jwe FROM mcp_credential
      WHERE ${OF_KEY} AND revocation_jwe IS NOT NULL`,
    keyValues(key),
  );
  return rows[0]?.revocation_jwe;
}

/** Deletes a grant that was kept to be revoked, unless another disconnect has kept another grant meanwhile. */
export async function dropPendingRevocation(
  db: Db,
  key: CredentialKey,
  revocationJwe: string,
): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET revocation_jwe = NULL
      WHERE ${OF_KEY} AND revocation_jwe = $4`,
    [...keyValues(key), revocationJwe],
  );
}

/** @param ofUser default: all users */
export async function listPendingRevocations(
  db: Db,
  limit: number,
  ofUser: string | null = null,
): Promise<Disconnected[]> {
  const { rows } = await db.query<VersionRow>(
    `SELECT user_id, mcp_server_id, account, credential_version FROM mcp_credential
      WHERE revocation_jwe IS NOT NULL AND ($2::text IS NULL OR user_id = $2)
      ORDER BY updated_at LIMIT $1`,
    [limit, ofUser],
  );
  return rows.map(disconnectedFromRow);
}

const STALE_BATCH_SIZE = 1_000;

/**
 * Deletes the oldest grants that could not be revoked for two days: they must not be kept because an authorization
 * server does not exist any more. Returns their number.
 */
export async function abandonStaleRevocations(db: Db): Promise<number> {
  const isStale = "revocation_jwe IS NOT NULL AND updated_at < now() - interval '2 days'";
  // The condition is repeated: another disconnect may keep another grant between the subquery and the row's lock.
  const { rowCount } = await db.query(
    `UPDATE mcp_credential SET revocation_jwe = NULL
      WHERE ${isStale} AND (user_id, mcp_server_id, account) IN (
        SELECT user_id, mcp_server_id, account FROM mcp_credential
         WHERE ${isStale} ORDER BY updated_at LIMIT ${STALE_BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}
