import { accountOf } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';

interface Dependencies {
  servers: { find(id: string): Promise<{ registrationVersion: number } | undefined> };
  knownConnections(userId: string): Promise<{
    connections: readonly { mcpServerId: string; account: string; version: number }[];
  }>;
}

/**
 * Returns a text that changes when the server is registered anew or the user's credential changes: a list of tools that
 * was read before may be another server's or another account's.
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
