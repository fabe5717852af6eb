import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { DiscoveryOutcome } from '../../oauth/issuer-metadata.ts';
import { addressOf, type RegisteredServer } from '../../servers/registered-server.ts';
import { openServerSecrets } from '../../servers/server-secrets.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Clock } from '../clock.ts';
import type { Grant } from '../credential.ts';
import type { Connection } from '../credential-store.ts';
import { isSameUrl } from '../deposit/vet-deposit.ts';

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
  const isRegistered = registeredAuthorizationServer(connection.server) !== undefined;
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
 * Whether the admin vouches for a token endpoint: it is at the registered authorization server, or the metadata of that
 * server names it. `vetDeposit` applies the same rule. An endpoint that no admin vouches for must be where users may
 * point.
 */
export async function isVouchedForByAdmin(
  deps: EndpointMetadataDependencies,
  connection: Connection,
  tokenEndpoint: string,
): Promise<boolean> {
  const registered = registeredAuthorizationServer(connection.server);
  if (registered === undefined) return false;
  if (new URL(registered).origin === new URL(tokenEndpoint).origin) return true;
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

function registeredAuthorizationServer({ auth }: RegisteredServer): string | undefined {
  return auth.type === 'oauth2' ? auth.authorizationServer : undefined;
}

function inTime(
  { clock }: EndpointMetadataDependencies,
  lookup: Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome | undefined> {
  return Promise.race([lookup, clock.sleep(TIMEOUT_MS).then(() => undefined)]);
}
