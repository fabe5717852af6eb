import type { CredentialKey } from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';
import type { Lease } from './lease-store.ts';

/**
 * Ends a connection: the tokens are gone at once, the row stays as a tombstone so that versions never
 * restart. The grant is kept aside, out of reach of calls and renewals, until it has been revoked. Answers
 * the new version, or undefined where there was nothing to disconnect.
 */
export async function disconnectCredential(db: Db, key: CredentialKey): Promise<number | undefined> {
  const { rows } = await db.query<{ credential_version: string }>(
    `UPDATE mcp_credential SET
       status = 'disconnected', reason = NULL, credential_version = credential_version + 1,
       token_version = token_version + 1, revocation_jwe = grant_jwe, grant_jwe = NULL,
       access_token_jwe = NULL, renew_after = NULL, scopes = NULL, client_secret_expires_at = NULL,
       lease_id = NULL, lease_until = NULL, stored_seq = grant_seq, updated_at = now()
     WHERE user_id = $1 AND mcp_server_id = $2 AND status <> 'disconnected'
     RETURNING credential_version`,
    [key.userId, key.mcpServerId],
  );
  return rows[0] && Number(rows[0].credential_version);
}

/**
 * The tokens of a refresh that its user's disconnect has overtaken: from now on they are what is to be
 * revoked, since a server need not take a spent token for the grant. No effect where a deposit won.
 */
export async function keepForRevocation(db: Db, { key, seen }: Lease, grantJwe: string): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET revocation_jwe = $4, updated_at = now()
      WHERE user_id = $1 AND mcp_server_id = $2 AND status = 'disconnected' AND credential_version = $3 + 1`,
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

export async function listPendingRevocations(
  db: Db,
  limit: number,
): Promise<(CredentialKey & { version: number })[]> {
  const { rows } = await db.query<{ user_id: string; mcp_server_id: string; credential_version: string }>(
    `SELECT user_id, mcp_server_id, credential_version FROM mcp_credential
      WHERE revocation_jwe IS NOT NULL ORDER BY updated_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({
    userId: row.user_id,
    mcpServerId: row.mcp_server_id,
    version: Number(row.credential_version),
  }));
}

/** Wipes what could not be revoked for two days: an authorization server that is gone must not keep it here. */
export async function dropHopelessRevocations(db: Db): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET revocation_jwe = NULL
      WHERE revocation_jwe IS NOT NULL AND updated_at < now() - interval '2 days'`,
  );
}
