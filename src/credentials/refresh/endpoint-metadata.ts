import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { DiscoveryOutcome } from '../../oauth/issuer-metadata.ts';
import { addressOf } from '../../servers/registered-server.ts';
import { openServerSecrets } from '../../servers/server-secrets.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Clock } from '../clock.ts';
import type { Grant } from '../credential.ts';
import type { Connection } from '../credential-store.ts';
import { isSameOrigin, isSameUrl, registeredAddresses } from '../deposit/vet-deposit.ts';

export interface EndpointMetadataDependencies {
  authorizationServers: AuthorizationServerLookup;
  clock: Clock;
  vault: Vault;
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
  connection: Connection,
  grant: Grant,
): Promise<TokenEndpointAuthMethod | undefined> {
  const { authorizationServers } = deps;
  const isRegistered = registeredAddresses(connection.server).length > 0;
  const found = await inTime(
    deps,
    isRegistered || grant.issuer === undefined
      ? findOfMcpServer(deps, connection)
      : authorizationServers.ofIssuer(grant.issuer, 'user'),
  );
  if (found?.kind !== 'found' || found.metadata.tokenEndpoint !== grant.tokenEndpoint) return undefined;
  return found.metadata.authMethod;
}

/**
 * Whether the admin vouches for a token endpoint: it is where the registered authorization server or token endpoint is,
 * or the metadata of that authorization server name it. `vetDeposit` applies the same rule. An endpoint that no admin vouches for must be where users may
 * point.
 */
export async function isVouchedForByAdmin(
  deps: EndpointMetadataDependencies,
  connection: Connection,
  tokenEndpoint: string,
): Promise<boolean> {
  const registered = registeredAddresses(connection.server);
  if (registered.length === 0) return false;
  if (registered.some((one) => isSameOrigin(one, tokenEndpoint))) return true;
  const found = await inTime(deps, findOfMcpServer(deps, connection));
  return found?.kind === 'found' && isSameUrl(found.metadata.tokenEndpoint, tokenEndpoint);
}

// The resource that the metadata must name has the query of the registered URL, which is encrypted.
async function findOfMcpServer(
  { authorizationServers, vault }: EndpointMetadataDependencies,
  { server, secretJwe }: Connection,
): Promise<DiscoveryOutcome> {
  const opened = await openServerSecrets(vault, server.id, secretJwe);
  const url = addressOf(server, opened.kind === 'opened' ? opened.secrets : {});
  return authorizationServers.ofMcpServer({ ...server, url });
}

function inTime(
  { clock }: EndpointMetadataDependencies,
  lookup: Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome | undefined> {
  return Promise.race([lookup, clock.sleep(TIMEOUT_MS).then(() => undefined)]);
}
