import type { TokenEndpointAuthMethod } from '../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../oauth/discovery.ts';
import type { RegisteredServer } from '../servers/registered-server.ts';
import type { Clock } from './clock.ts';
import type { Grant } from './credential.ts';

/** A refresh does not depend on metadata, so it does not wait long for it. */
const WITHIN_MS = 3_000;

/**
 * How a user's own client authenticates, as the metadata of its authorization server says, where that is known by name.
 * Undefined where it is not, can't be had now, or speaks of another token endpoint.
 */
export async function announcedAuthMethod(
  deps: { authorizationServers: AuthorizationServerLookup; clock: Clock },
  server: RegisteredServer,
  grant: Grant,
): Promise<TokenEndpointAuthMethod | undefined> {
  const look = lookUpOf(deps.authorizationServers, server, grant);
  if (look === undefined) return undefined;
  const found = await Promise.race([look(), deps.clock.sleep(WITHIN_MS)]);
  if (found?.kind !== 'found' || found.metadata.tokenEndpoint !== grant.tokenEndpoint) return undefined;
  return found.metadata.authMethod;
}

function lookUpOf(lookup: AuthorizationServerLookup, server: RegisteredServer, { issuer }: Grant) {
  const isNamed = server.auth.type === 'oauth2' && server.auth.authorizationServer !== undefined;
  if (isNamed) return () => lookup.ofMcpServer(server);
  return issuer === undefined ? undefined : () => lookup.ofIssuer(issuer, 'user');
}
