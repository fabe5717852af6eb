import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { DiscoveryOutcome } from '../../oauth/issuer-metadata.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { Clock } from '../clock.ts';
import type { Grant } from '../credential.ts';
import { isSameUrl } from '../deposit/vet-deposit.ts';

export interface EndpointMetadataDependencies {
  authorizationServers: AuthorizationServerLookup;
  clock: Clock;
}

/** A user's refresh does not depend on metadata, so it waits for it only briefly. */
const TIMEOUT_MS = 3_000;

/**
 * Returns how a user's own client authenticates, as announced in the metadata of the authorization server: the
 * registered one, the deposit's issuer, or the one that the MCP server names. Undefined if the metadata can't be read
 * in time, or names another token endpoint.
 */
export async function announcedAuthMethod(
  deps: EndpointMetadataDependencies,
  server: RegisteredServer,
  grant: Grant,
): Promise<TokenEndpointAuthMethod | undefined> {
  const { authorizationServers } = deps;
  const isRegistered = registeredAuthorizationServer(server) !== undefined;
  const found = await inTime(
    deps,
    isRegistered || grant.issuer === undefined
      ? authorizationServers.ofMcpServer(server)
      : authorizationServers.ofIssuer(grant.issuer, 'user'),
  );
  if (found?.kind !== 'found' || found.metadata.tokenEndpoint !== grant.tokenEndpoint) return undefined;
  return found.metadata.authMethod;
}

/**
 * Whether the admin vouches for a token endpoint: it is at the registered authorization server, or the metadata of that
 * server names it. `vetDeposit` applies the same rule. An endpoint that no admin vouches for must be where users may
 * point.
 */
export async function isVouchedForByAdmin(
  deps: EndpointMetadataDependencies,
  server: RegisteredServer,
  tokenEndpoint: string,
): Promise<boolean> {
  const registered = registeredAuthorizationServer(server);
  if (registered === undefined) return false;
  if (new URL(registered).origin === new URL(tokenEndpoint).origin) return true;
  const found = await inTime(deps, deps.authorizationServers.ofMcpServer(server));
  return found?.kind === 'found' && isSameUrl(found.metadata.tokenEndpoint, tokenEndpoint);
}

function registeredAuthorizationServer({ auth }: RegisteredServer): string | undefined {
  return auth.type === 'oauth2' ? auth.authorizationServer : undefined;
}

function inTime(
  { clock }: EndpointMetadataDependencies,
  lookup: Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome | undefined> {
  return Promise.race([lookup, clock.sleep(TIMEOUT_MS).then(() => undefined)]);
}
