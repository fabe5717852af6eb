import type { CredentialKey } from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';

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

/** A disconnected grant that is still to be revoked, sealed. */
export interface PendingRevocation {
  jwe: string;
  version: number;
}

export async function findPendingRevocation(
  db: Db,
  key: CredentialKey,
): Promise<PendingRevocation | undefined> {
  const { rows } = await db.query<{ revocation_jwe: string; credential_version: string }>(
    `SELECT revocation_jwe, credential_version FROM mcp_credential
      WHERE user_id = $1 AND mcp_server_id = $2 AND revocation_jwe IS NOT NULL`,
    [key.userId, key.mcpServerId],
  );
  return rows[0] && { jwe: rows[0].revocation_jwe, version: Number(rows[0].credential_version) };
}

/** Wipes what was kept for the revocation. A deposit since then has wiped it already and has its own grant. */
export async function dropPendingRevocation(db: Db, key: CredentialKey): Promise<void> {
  await db.query(
    'UPDATE mcp_credential SET revocation_jwe = NULL WHERE user_id = $1 AND mcp_server_id = $2',
    [key.userId, key.mcpServerId],
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
