import type { Db } from '../../db/pool.ts';

/** What a client is registered for. */
export interface RegistrationKey {
  issuer: string;
  mcpServerId: string;
  redirectUri: string;
}

export interface StoredRegistration {
  generation: number;
  clientJwe: string;
  expiresAt?: Date;
  /** Not refused, and its secret lasts for the whole flow. */
  isUsable: boolean;
  /** Too new to be replaced. */
  isRecent: boolean;
}

/** Longer than an authorization may take: the code is exchanged with the secret. */
const MARGIN = "interval '10 minutes'";

/** Returns the client that was registered last. */
export async function findLatestRegistration(
  db: Db,
  { issuer, mcpServerId, redirectUri }: RegistrationKey,
): Promise<StoredRegistration | undefined> {
  const { rows } = await db.query<RegistrationRow>(
    `SELECT generation, client_jwe, expires_at,
            refused_at IS NULL AND coalesce(expires_at > now() + ${MARGIN}, true) AS is_usable,
            created_at > now() - interval '10 minutes' AS is_recent
       FROM mcp_client_registration
      WHERE issuer = $1 AND mcp_server_id = $2 AND redirect_uri = $3
      ORDER BY generation DESC LIMIT 1`,
    [issuer, mcpServerId, redirectUri],
  );
  const [row] = rows;
  return (
    row && {
      generation: row.generation,
      clientJwe: row.client_jwe,
      ...(row.expires_at !== null && { expiresAt: row.expires_at }),
      isUsable: row.is_usable,
      isRecent: row.is_recent,
    }
  );
}

interface RegistrationRow {
  generation: number;
  client_jwe: string;
  expires_at: Date | null;
  is_usable: boolean;
  is_recent: boolean;
}

/** Stores a client. False: another process has stored one under the same generation. */
export async function insertRegistration(
  db: Db,
  key: RegistrationKey,
  client: { generation: number; clientJwe: string; expiresAt?: Date | undefined },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO mcp_client_registration (issuer, mcp_server_id, redirect_uri, generation, client_jwe, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (issuer, mcp_server_id, redirect_uri, generation) DO NOTHING`,
    [
      key.issuer,
      key.mcpServerId,
      key.redirectUri,
      client.generation,
      client.clientJwe,
      client.expiresAt ?? null,
    ],
  );
  return rowCount === 1;
}

/** Notes that the authorization server refuses a client, so that the next flow registers another. */
export async function markRefused(db: Db, key: RegistrationKey, generation: number): Promise<void> {
  await db.query(
    `UPDATE mcp_client_registration SET refused_at = coalesce(refused_at, now())
      WHERE issuer = $1 AND mcp_server_id = $2 AND redirect_uri = $3 AND generation = $4`,
    [key.issuer, key.mcpServerId, key.redirectUri, generation],
  );
}

const BATCH_SIZE = 1_000;

/** Deletes the clients of servers that were removed. Their grants carry the client that they were issued to. */
export async function deleteRegistrationsOfRemovedServers(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_client_registration WHERE id IN (
       SELECT r.id FROM mcp_client_registration r
        WHERE NOT EXISTS (SELECT FROM mcp_server s WHERE s.id = r.mcp_server_id)
          AND r.created_at < now() - interval '1 day'
        LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}
