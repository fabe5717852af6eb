import { appendAuditEvent } from '../../audit/audit-log.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../../db/pool.ts';
import type { Lease } from '../refresh/lease-store.ts';

/**
 * Ends a connection of the user: the tokens are gone at once, the row stays as a tombstone for a while. The grant
 * is kept aside, out of reach of calls and renewals, until it has been revoked. Answers the new version, or
 * undefined where there was nothing to disconnect.
 *
 * @param actorUserId who ends it, for the audit log; null: the operator
 */
export async function disconnectCredential(
  pool: Pool,
  key: CredentialKey,
  actorUserId: string | null = key.userId,
): Promise<number | undefined> {
  const [gone] = await inTransaction(pool, (db) => disconnect(db, key.userId, key.mcpServerId, actorUserId));
  return gone?.version;
}

/**
 * Ends all connections of a user for good: their tombstones go as soon as nothing is left to revoke. To be called
 * in a transaction. Answers what was connected until now.
 */
export async function forgetConnections(db: Db, userId: string): Promise<Disconnected[]> {
  const disconnected = await disconnect(db, userId, null, null);
  await db.query(
    'UPDATE mcp_credential SET forgotten_at = now() WHERE user_id = $1 AND forgotten_at IS NULL',
    [userId],
  );
  return disconnected;
}

export type Disconnected = CredentialKey & { version: number };

/** @param mcpServerId null: of all servers */
async function disconnect(
  db: Db,
  userId: string,
  mcpServerId: string | null,
  actorUserId: string | null,
): Promise<Disconnected[]> {
  const { rows } = await db.query<{ mcp_server_id: string; credential_version: string }>(
    `UPDATE mcp_credential SET
       status = 'disconnected', reason = NULL, credential_version = credential_version + 1,
       token_version = token_version + 1, revocation_jwe = grant_jwe, grant_jwe = NULL,
       access_token_jwe = NULL, renew_after = NULL, expires_at = NULL, scopes = NULL, client_secret_expires_at = NULL,
       -- A holder may still be waiting for an answer: the tombstone outlives it, for keepForRevocation.
       lease_until = CASE WHEN lease_id IS NULL THEN NULL ELSE lease_until END,
       lease_id = NULL, stored_seq = grant_seq, updated_at = now()
     WHERE user_id = $1 AND ($2::text IS NULL OR mcp_server_id = $2) AND status <> 'disconnected'
     RETURNING mcp_server_id, credential_version`,
    [userId, mcpServerId],
  );
  const gone = rows.map((row) => ({
    userId,
    mcpServerId: row.mcp_server_id,
    version: Number(row.credential_version),
  }));
  for (const { version, ...key } of gone) {
    await appendAuditEvent(db, { action: 'disconnected', actorUserId, ...key, details: { version } });
  }
  return gone;
}

/**
 * The tokens of a refresh that its user's disconnect has overtaken: from now on they are what is to be
 * revoked, since a server need not take a spent token for the grant. No effect where a deposit won.
 */
export async function keepForRevocation(db: Db, { key, seen }: Lease, grantJwe: string): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET revocation_jwe = $4, updated_at = now()
      WHERE user_id = $1 AND mcp_server_id = $2 AND status = 'disconnected' AND grant_version <= $3`,
    [key.userId, key.mcpServerId, seen.credentialVersion, grantJwe],
  );
}

/** A disconnected grant that is still to be revoked, sealed. */
export async function findPendingRevocation(db: Db, key: CredentialKey): Promise<string | undefined> {
  const { rows } = await db.query<{ revocation_jwe: string }>(
    `SELECT revocation_jwe FROM mcp_credential
      WHERE user_id = $1 AND mcp_server_id = $2 AND revocation_jwe IS NOT NULL`,
    [key.userId, key.mcpServerId],
  );
  return rows[0]?.revocation_jwe;
}

/** Wipes what was kept for the revocation, unless another disconnect has kept another grant meanwhile. */
export async function dropPendingRevocation(
  db: Db,
  key: CredentialKey,
  revocationJwe: string,
): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET revocation_jwe = NULL
      WHERE user_id = $1 AND mcp_server_id = $2 AND revocation_jwe = $3`,
    [key.userId, key.mcpServerId, revocationJwe],
  );
}

/** @param ofUser default: anybody's */
export async function listPendingRevocations(
  db: Db,
  limit: number,
  ofUser: string | null = null,
): Promise<Disconnected[]> {
  const { rows } = await db.query<{ user_id: string; mcp_server_id: string; credential_version: string }>(
    `SELECT user_id, mcp_server_id, credential_version FROM mcp_credential
      WHERE revocation_jwe IS NOT NULL AND ($2::text IS NULL OR user_id = $2)
      ORDER BY updated_at LIMIT $1`,
    [limit, ofUser],
  );
  return rows.map((row) => ({
    userId: row.user_id,
    mcpServerId: row.mcp_server_id,
    version: Number(row.credential_version),
  }));
}

/** In one statement, at most. */
const HOPELESS_AT_ONCE = 1_000;

/**
 * Wipes the oldest of what could not be revoked for two days: an authorization server that is gone must not keep
 * it here. Answers how many.
 */
export async function dropHopelessRevocations(db: Db): Promise<number> {
  const isHopeless = "revocation_jwe IS NOT NULL AND updated_at < now() - interval '2 days'";
  // Said twice: another disconnect may have kept another grant between the look and the lock.
  const { rowCount } = await db.query(
    `UPDATE mcp_credential SET revocation_jwe = NULL
      WHERE ${isHopeless} AND (user_id, mcp_server_id) IN (
        SELECT user_id, mcp_server_id FROM mcp_credential
         WHERE ${isHopeless} ORDER BY updated_at LIMIT ${HOPELESS_AT_ONCE})`,
  );
  return rowCount ?? 0;
}
