import type { McpPort } from './port.ts';

/** What the challenge of a request without a token names. Empty: the server sent none, or is open. */
export interface Challenged {
  /** RFC 9728 §5.1. As the server sent it. */
  resourceMetadataUrl?: string;
  /** RFC 6750 §3. Separated by spaces. */
  scope?: string;
}

const TIMEOUT_MS = 10_000;
const MAX_LIST_BYTES = 1024 * 1024;

/**
 * Asks an MCP server without a token, for the challenge of its 401. Lists the tools, because some servers let anybody
 * initialize. Never rejects because of the server or the network.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#protected-resource-metadata-discovery-requirements
 */
export async function probeAuthorization(
  mcp: Pick<McpPort, 'listTools'>,
  server: { id: string; registrationVersion: number; url: string; headers: Record<string, string> },
): Promise<Challenged> {
  const { id, ...target } = server;
  // No user's: without a token the session is nobody's, so it may serve all probes.
  const outcome = await mcp.listTools(
    { ...target, mcpServerId: id, userId: '', maxResultBytes: MAX_LIST_BYTES },
    { timeoutMs: TIMEOUT_MS },
  );
  if (outcome.kind !== 'unauthorized') return {};
  const { resourceMetadataUrl, scopes } = outcome.challenge ?? {};
  return {
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    ...(scopes !== undefined && { scope: scopes.join(' ') }),
  };
}
