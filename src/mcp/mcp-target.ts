import type { RegisteredServer } from '../servers/registered-server.ts';
import type { McpTarget } from './mcp-port.ts';

/** A registered server as one user's call sees it. */
export function mcpTarget(
  userId: string,
  access: { server: RegisteredServer; headers: Record<string, string>; bearerToken?: string },
): McpTarget {
  const { server, headers, bearerToken } = access;
  return {
    mcpServerId: server.id,
    userId,
    registrationVersion: server.registrationVersion,
    url: server.url,
    headers,
    maxResultBytes: server.maxResultBytes,
    ...(bearerToken !== undefined && { bearerToken }),
  };
}
