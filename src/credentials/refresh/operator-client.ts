import type { KeyMissing, Misconfigured } from '../../contracts/activities.ts';
/**
 * The operator's client: the one that the MCP server's registration names, for grants that were deposited without a
 * client. Its secret goes only to endpoints of metadata that the registration leads to, never to an address that a
 * deposit names.
 */
import type { ClientCredentials, TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { AuthorizationServerMetadata } from '../../oauth/issuer-metadata.ts';
import { addressOf, type RegisteredServer } from '../../servers/registered-server.ts';
import { openServerSecrets } from '../../servers/server-secrets.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Grant } from '../credential.ts';
import type { Connection } from '../credential-store.ts';

/** The operator's client id, if the grant has no client of its own. */
export function operatorClientId({ auth }: RegisteredServer, grant: Grant): string | undefined {
  return grant.clientId === undefined && auth.type === 'oauth2' ? auth.clientId : undefined;
}

export type OperatorClient =
  | {
      kind: 'found';
      client: Pick<ClientCredentials, 'clientSecret'> & { clientId: string };
      metadata: AuthorizationServerMetadata;
    }
  | KeyMissing
  | Omit<Misconfigured, 'clientRefused'>
  | { kind: 'unavailable'; cause: string };

/** Opens the operator's secret and looks up the authorization server that may receive it. */
export async function findOperatorClient(
  deps: { vault: Vault; authorizationServers: AuthorizationServerLookup },
  { server, secretJwe }: Connection,
  clientId: string,
): Promise<OperatorClient> {
  const opened = await openServerSecrets(deps.vault, server.id, secretJwe);
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'misconfigured', message: opened.message };
  const url = addressOf(server, opened.secrets);
  const found = await deps.authorizationServers.ofMcpServer({ ...server, url });
  if (found.kind !== 'found') return found;
  const { clientSecret } = opened.secrets;
  const client = { clientId, ...(clientSecret !== undefined && { clientSecret }) };
  return { kind: 'found', client, metadata: found.metadata };
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

export function registeredAuthMethod({ auth }: RegisteredServer): TokenEndpointAuthMethod | undefined {
  return auth.type === 'oauth2' ? auth.tokenEndpointAuthMethod : undefined;
}
