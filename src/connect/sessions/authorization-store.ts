import type { Db } from '../../db/pool.ts';

/** How long a user may take at the authorization server. */
export const AUTHORIZATION_MINUTES = 10;

/** An authorization request that a browser was sent away with. */
export interface StoredAuthorization {
  connectSessionId: string;
  userId: string;
  mcpServerId: string;
  /** SHA-256 of the browser's cookie. */
  browserHash: string;
  requestJwe: string;
}

export async function insertAuthorization(
  db: Db,
  stateHash: string,
  authorization: StoredAuthorization,
): Promise<void> {
  await db.query(
    `INSERT INTO mcp_authorization
       (state_hash, connect_session_id, user_id, mcp_server_id, browser_hash, request_jwe, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(mins => ${AUTHORIZATION_MINUTES}))`,
    [
      stateHash,
      authorization.connectSessionId,
      authorization.userId,
      authorization.mcpServerId,
      authorization.browserHash,
      authorization.requestJwe,
    ],
  );
}

/**
 * Takes the authorization request of a `state`, which no other callback can use after that. A callback of another
 * browser takes nothing, so a stolen `state` can't end its user's flow.
 */
export async function takeAuthorization(
  db: Db,
  stateHash: string,
  browserHash: string,
): Promise<(StoredAuthorization & { isExpired: boolean }) | undefined> {
  const { rows } = await db.query<AuthorizationRow>(
    `DELETE FROM mcp_authorization WHERE state_hash = $1 AND browser_hash = $2
     RETURNING connect_session_id, user_id, mcp_server_id, browser_hash, request_jwe, expires_at <= now() AS is_expired`,
    [stateHash, browserHash],
  );
  const [row] = rows;
  return (
    row && {
      connectSessionId: row.connect_session_id,
      userId: row.user_id,
      mcpServerId: row.mcp_server_id,
      browserHash: row.browser_hash,
      requestJwe: row.request_jwe,
      isExpired: row.is_expired,
    }
  );
}

interface AuthorizationRow {
  connect_session_id: string;
  user_id: string;
  mcp_server_id: string;
  browser_hash: string;
  request_jwe: string;
  is_expired: boolean;
}
