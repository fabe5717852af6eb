import { accountOf } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';

interface Dependencies {
  servers: { find(id: string): Promise<{ registrationVersion: number } | undefined> };
  knownConnections(userId: string): Promise<{
    connections: readonly { mcpServerId: string; account: string; version: number }[];
  }>;
}

/**
 * Returns a text that changes with the server's registration and with the user's credential. A list of tools that was
 * read before such a change may be that of another server or of another account.
 */
export async function listBindingOf(
  { servers, knownConnections }: Dependencies,
  key: CredentialKey,
): Promise<string> {
  const { userId, mcpServerId } = key;
  const account = accountOf(key);
  const [server, { connections }] = await Promise.all([servers.find(mcpServerId), knownConnections(userId)]);
  const connection = connections.find((one) => one.mcpServerId === mcpServerId && one.account === account);
  return JSON.stringify([server?.registrationVersion, connection?.version]);
}
