import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionReason } from '../contracts/step.ts';
import type { AuthorizationServerLookup } from '../oauth/discovery.ts';
import type { RefreshGrantRequest } from '../oauth/refresh-grant.ts';
import { openServerSecrets } from '../servers/server-secrets.ts';
import type { Vault } from '../vault/vault.ts';
import type { Grant } from './credential.ts';
import type { Connection } from './credential-store.ts';
import { operatorClientId } from './operator-client.ts';

/** A refresh that may be sent. */
export interface RefreshPlan {
  kind: 'ready';
  grant: Grant & { refreshToken: string };
  request: Omit<RefreshGrantRequest, 'beforeFirstByte'>;
  /** The refresh authenticates as the operator's client, not as one of the user's own. */
  isOperatorClient: boolean;
}

export type PreparedRefresh =
  | RefreshPlan
  | { kind: 'reauth-required'; reason: ConnectionReason }
  /** It may be on its way to this process. */
  | { kind: 'key-missing'; kid: string }
  | { kind: 'misconfigured'; message: string }
  | { kind: 'unavailable'; cause: string };

export interface PrepareDependencies {
  vault: Vault;
  authorizationServers: AuthorizationServerLookup;
}

/** Opens the grant and decides which client asks which token endpoint. Sends nothing to the token endpoint. */
export async function prepareRefresh(
  deps: PrepareDependencies,
  connection: Connection,
  key: CredentialKey,
): Promise<PreparedRefresh> {
  const { credential } = connection;
  if (credential.clientSecretExpired) return { kind: 'reauth-required', reason: 'client-secret-expired' };
  if (credential.grantJwe === null) return { kind: 'reauth-required', reason: 'no-refresh-token' };
  const opened = await deps.vault.open('grant', key, credential.grantJwe);
  if (opened.kind === 'undecryptable') return { kind: 'reauth-required', reason: 'undecryptable' };
  if (opened.kind === 'key-missing') return opened;
  // The cast is safe: the vault opens only what `Grant` was sealed into.
  const grant = JSON.parse(opened.plaintext) as Grant;
  const { refreshToken } = grant;
  if (refreshToken === undefined) return { kind: 'reauth-required', reason: 'no-refresh-token' };
  return planRefresh(deps, connection, { ...grant, refreshToken });
}

async function planRefresh(
  deps: PrepareDependencies,
  connection: Connection,
  grant: RefreshPlan['grant'],
): Promise<PreparedRefresh> {
  const operatorClient = operatorClientId(connection.server, grant);
  if (operatorClient === undefined) {
    const { refreshToken, tokenEndpoint, issuer: _, ...rest } = grant;
    const addressFrom = isKnownAddress(connection, tokenEndpoint) ? 'admin' : 'user';
    const request = { refreshToken, tokenEndpoint, addressFrom, ...rest } as const;
    return { kind: 'ready', grant, request, isOperatorClient: false };
  }
  return planForOperatorClient(deps, connection, grant, operatorClient);
}

// The operator's secret goes to the endpoint of metadata that we validated, never to a deposited address.
async function planForOperatorClient(
  deps: PrepareDependencies,
  connection: Connection,
  grant: RefreshPlan['grant'],
  clientId: string,
): Promise<PreparedRefresh> {
  const secrets = await openServerSecrets(deps.vault, connection.server.id, connection.secretJwe);
  if (secrets.kind === 'key-missing') return secrets;
  if (secrets.kind === 'undecryptable') return { kind: 'misconfigured', message: secrets.message };
  const found = await deps.authorizationServers.ofMcpServer(connection.server);
  if (found.kind !== 'found') return found;
  const { refreshToken, scopes, resource } = grant;
  const { clientSecret } = secrets.secrets;
  const request = {
    refreshToken,
    tokenEndpoint: found.metadata.tokenEndpoint,
    addressFrom: found.metadata.addressFrom,
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(grant.tokenEndpointAuthMethod !== undefined && {
      tokenEndpointAuthMethod: grant.tokenEndpointAuthMethod,
    }),
    ...(scopes !== undefined && { scopes }),
    ...(resource !== undefined && { resource }),
  } as const;
  return { kind: 'ready', grant, request, isOperatorClient: true };
}

function isKnownAddress({ server }: Connection, tokenEndpoint: string): boolean {
  const known = server.auth.type === 'oauth2' ? server.auth.authorizationServer : undefined;
  return known !== undefined && new URL(known).origin === new URL(tokenEndpoint).origin;
}
