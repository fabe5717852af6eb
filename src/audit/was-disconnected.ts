import { accountOf } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';

/**
 * Whether the account was disconnected at any time, or its user forgotten, as far back as the audit log is kept. It
 * outlives the tombstone, which is deleted after its retention, and at once when a user is forgotten.
 */
export async function wasDisconnected(db: Db, key: CredentialKey): Promise<boolean> {
  const { rowCount } = await db.query(
    `SELECT FROM mcp_audit_event
      WHERE user_id = $1
        AND (action = 'user-forgotten' OR (action = 'disconnected' AND mcp_server_id = $2 AND account = $3))
      LIMIT 1`,
    [key.userId, key.mcpServerId, accountOf(key)],
  );
  return rowCount === 1;
}
