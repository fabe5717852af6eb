import type { AuthorizationProbe } from '../mcp/http/probe-authorization.ts';
import type { AuthorizationServerLookup, McpServerLookupOptions } from '../oauth/discovery.ts';
import type { AuthorizationServerMetadata, ProtectedResource } from '../oauth/issuer-metadata.ts';
import type { McpServerParty } from '../oauth/registered-endpoints.ts';
import { type FlowRefusal, refused } from './flow-refusal.ts';

/** Where consent for an MCP server is asked for. */
export interface DiscoveredAuthorization {
  kind: 'discovered';
  metadata: AuthorizationServerMetadata & { authorizationEndpoint: string };
  resource: Partial<ProtectedResource> | undefined;
  /** The scope of the challenge. */
  challenged: string | undefined;
}

/**
 * Finds the authorization server of an MCP server that was probed. Connecting and the check of a server both enter here,
 * so that the check says what connecting will meet.
 */
export async function discoverAuthorization(
  authorizationServers: AuthorizationServerLookup,
  server: McpServerParty,
  { probe, skipCache }: { probe: AuthorizationProbe; skipCache: boolean },
): Promise<DiscoveredAuthorization | FlowRefusal> {
  const isChallenged = probe.kind === 'challenged';
  const challenged = isChallenged ? probe.scope : undefined;
  const challenge = isChallenged && { resourceMetadataUrl: probe.resourceMetadataUrl ?? null };
  const options = { skipCache, ...challenge };
  const found = await authorizationServers.ofMcpServer(server, options);
  if (found.kind === 'misconfigured') return refused('misconfigured', found.message);
  if (found.kind === 'unavailable') {
    return refused('authorization-server-unavailable', `discovery failed: ${found.cause}`);
  }
  const { authorizationEndpoint, source, codeChallengeMethods = [] } = found.metadata;
  if (authorizationEndpoint === undefined) {
    return refused('misconfigured', 'the authorization server metadata names no authorization endpoint');
  }
  // MCP, "Authorization Code Protection": metadata without S256 mean that the server does not check it.
  if (source === 'metadata' && !codeChallengeMethods.includes('S256')) {
    return refused('pkce-not-supported', 'the authorization server does not announce PKCE with S256');
  }
  const resource = found.resource ?? (await scopesOfResource(authorizationServers, server, options));
  return { kind: 'discovered', metadata: { ...found.metadata, authorizationEndpoint }, resource, challenged };
}

// Where the authorization server is registered, the MCP server is asked for its scopes alone: what a grant is bound to
// stays what an admin registered.
async function scopesOfResource(
  authorizationServers: AuthorizationServerLookup,
  server: McpServerParty,
  options: McpServerLookupOptions,
): Promise<DiscoveredAuthorization['resource']> {
  if (server.auth.authorizationServer === undefined) return undefined;
  const scopesSupported = await authorizationServers.scopesOfMcpServer(server, options);
  return scopesSupported && { scopesSupported };
}
