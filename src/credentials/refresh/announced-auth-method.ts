import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup, DiscoveryOutcome } from '../../oauth/discovery.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { Clock } from '../clock.ts';
import type { Grant } from '../credential.ts';

/** A refresh does not depend on metadata, so it does not wait long for it. */
const WITHIN_MS = 3_000;

/**
 * How a user's own client authenticates, as the metadata of its authorization server says: the registered one, the deposit's
 * issuer, or the one that the MCP server names. Undefined where they can't be had now, or speak of another token endpoint.
 */
export async function announcedAuthMethod(
  deps: { authorizationServers: AuthorizationServerLookup; clock: Clock },
  server: RegisteredServer,
  grant: Grant,
): Promise<TokenEndpointAuthMethod | undefined> {
  const look = lookUp(deps.authorizationServers, server, grant);
  const found = await Promise.race([look, deps.clock.sleep(WITHIN_MS)]);
  if (found?.kind !== 'found' || found.metadata.tokenEndpoint !== grant.tokenEndpoint) return undefined;
  return found.metadata.authMethod;
}

function lookUp(
  lookup: AuthorizationServerLookup,
  server: RegisteredServer,
  { issuer }: Grant,
): Promise<DiscoveryOutcome> {
  const isRegistered = server.auth.type === 'oauth2' && server.auth.authorizationServer !== undefined;
  return isRegistered || issuer === undefined ? lookup.ofMcpServer(server) : lookup.ofIssuer(issuer, 'user');
}
