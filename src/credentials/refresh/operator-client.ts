/**
 * The operator's client: the one that the MCP server's registration names, for grants that were deposited without a
 * client. Its secret goes only to endpoints that the registration names, or that metadata name to which it leads, never
 * to an address that a deposit names. Of several authorization servers that an MCP server names, it goes to the one that
 * issued the grant, or else to the first. Where nothing but MCP 2025-03-26 says that the MCP server's origin is the
 * authorization server, the endpoint gets it only if the grant is from there: the admin registered the origin, but the
 * resource metadata may be missing only while the server is being deployed.
 */
import type { KeyMissing, Misconfigured } from '../../contracts/activities.ts';
import type { ClientCredentials, TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { AuthorizationServerMetadata } from '../../oauth/issuer-metadata.ts';
import { addressOf, type RegisteredServer, type ServerSecrets } from '../../servers/registered-server.ts';
import { openServerSecrets } from '../../servers/server-secrets.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Grant } from '../credential.ts';
import type { Connection } from '../credential-store.ts';
import { isSameUrl, registeredAddresses } from '../deposit/vet-deposit.ts';

/** The operator's client id, if the grant has no client of its own. */
export function operatorClientId({ auth }: RegisteredServer, grant: Grant): string | undefined {
  return grant.clientId === undefined && auth.type === 'oauth2' ? auth.clientId : undefined;
}

export type OperatorCredentials = Pick<ClientCredentials, 'clientSecret' | 'privateKey' | 'issuer'> & {
  clientId: string;
};

export type OperatorClient =
  | {
      kind: 'found';
      client: OperatorCredentials;
      metadata: AuthorizationServerMetadata;
    }
  | KeyMissing
  | Omit<Misconfigured, 'clientRefused'>
  | { kind: 'unavailable'; cause: string };

/** Opens the operator's secret and looks up the authorization server that may receive it. */
export async function findOperatorClient(
  deps: { vault: Vault; authorizationServers: AuthorizationServerLookup },
  { server, secretJwe }: Connection,
  { clientId, grant }: { clientId: string; grant: Grant },
): Promise<OperatorClient> {
  const opened = await openServerSecrets(deps.vault, server.id, secretJwe);
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'misconfigured', message: opened.message };
  const url = addressOf(server, opened.secrets);
  const { headers = {} } = opened.secrets;
  const found = await deps.authorizationServers.ofMcpServer({ ...server, url, headers }, { grant });
  if (found.kind !== 'found') return found;
  const { metadata } = found;
  const isGuess = found.resource === undefined && registeredAddresses(server).length === 0;
  if (isGuess && !isSameUrl(metadata.tokenEndpoint, grant.tokenEndpoint)) {
    return { kind: 'misconfigured', message: 'the MCP server publishes no resource metadata' };
  }
  return { kind: 'found', client: operatorCredentials(clientId, opened.secrets, metadata.issuer), metadata };
}

/** @param issuer the audience of `private_key_jwt` */
export function operatorCredentials(
  clientId: string,
  { clientSecret, privateKey }: ServerSecrets,
  issuer: string,
): OperatorCredentials {
  return {
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(privateKey !== undefined && { privateKey, issuer }),
  };
}

/**
 * The method of client authentication that the owner of the grant's client has stated; undefined: none. A deposit does
 * not decide for the operator's client, because the refusal of one user's wrong method would hold up all users.
 */
export function statedAuthMethod(
  server: RegisteredServer,
  grant: Grant,
): TokenEndpointAuthMethod | undefined {
  if (operatorClientId(server, grant) === undefined) return grant.tokenEndpointAuthMethod;
  return registeredAuthMethod(server);
}

/** The method of the operator's client, as the registration states it. */
export function registeredAuthMethod({ auth }: RegisteredServer): TokenEndpointAuthMethod | undefined {
  return auth.type === 'oauth2' ? auth.tokenEndpointAuthMethod : undefined;
}
