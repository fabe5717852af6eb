/** The key of a credential in SQL: user, server and account. */
import { accountOf, credentialKey } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';

/** The condition for the row of `keyValues`, which are the first three parameters of the statement. */
export const OF_KEY = 'user_id = $1 AND mcp_server_id = $2 AND account = $3';

export function keyValues(key: CredentialKey): [userId: string, mcpServerId: string, account: string] {
  return [key.userId, key.mcpServerId, accountOf(key)];
}

/** The key's columns, as `pg` returns them. */
export interface KeyRow {
  user_id: string;
  mcp_server_id: string;
  account: string;
}

export function keyFromRow(row: KeyRow): CredentialKey {
  return credentialKey({ userId: row.user_id, mcpServerId: row.mcp_server_id, account: row.account });
}
