import type { CredentialVersions } from '../contracts/activities.ts';
import type { RegisteredServer } from '../servers/registered-server.ts';
import type { McpTarget } from './port.ts';

/** A registered server as one user's call sees it. */
export function mcpTarget(
  userId: string,
  access: {
    server: RegisteredServer;
    url: string;
    headers: Record<string, string>;
    bearerToken?: string;
    tokenIsDue?: () => boolean;
    tokenJustRenewed?: boolean;
    tokenIsExpired?: () => boolean;
    tokenIsCurrent?: () => Promise<boolean>;
    versions: CredentialVersions;
  },
): McpTarget {
  const {
    server,
    url,
    headers,
    bearerToken,
    tokenIsDue,
    tokenJustRenewed,
    tokenIsExpired,
    tokenIsCurrent,
    versions,
  } = access;
  return {
    mcpServerId: server.id,
    userId,
    registrationVersion: server.registrationVersion,
    credentialVersion: versions.credentialVersion,
    url,
    headers,
    maxResultBytes: server.maxResultBytes,
    ...(bearerToken !== undefined && { bearerToken }),
    ...(tokenIsDue !== undefined && { tokenIsDue }),
    ...(tokenJustRenewed !== undefined && { tokenJustRenewed }),
    ...(tokenIsExpired !== undefined && { tokenIsExpired }),
    ...(tokenIsCurrent !== undefined && { tokenIsCurrent }),
  };
}
