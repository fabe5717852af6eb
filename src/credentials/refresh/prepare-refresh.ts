import type { CredentialKey } from '../../contracts/activities.ts';
import type { ConnectionReason } from '../../contracts/step.ts';
import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { RefreshGrantRequest } from '../../oauth/refresh-grant.ts';
import { addressOf } from '../../servers/registered-server.ts';
import { openServerSecrets } from '../../servers/server-secrets.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Clock } from '../clock.ts';
import type { Grant, LearnedOfEndpoint } from '../credential.ts';
import type { Connection } from '../credential-store.ts';
import { isSameUrl } from '../deposit/vet-deposit.ts';
import { announcedAuthMethod } from './announced-auth-method.ts';
import { operatorClientId, registeredMethod, saidMethod } from './operator-client.ts';

/** A refresh does not depend on metadata, so it does not wait long for it. */
const METADATA_WITHIN_MS = 3_000;

/** A refresh that may be sent. */
export interface RefreshPlan {
  kind: 'ready';
  grant: Grant & { refreshToken: string };
  request: Omit<RefreshGrantRequest, 'beforeFirstByte'>;
  /** The deposit or the registration says how the client authenticates; otherwise it is assumed. */
  isMethodSaid: boolean;
  learned: LearnedOfEndpoint;
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
  clock: Clock;
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
  if (operatorClient !== undefined) return planForOperatorClient(deps, connection, grant, operatorClient);
  const { tokenEndpoint, clientId, clientSecret } = grant;
  const addressFrom = (await isAdminsAddress(deps, connection, tokenEndpoint)) ? 'admin' : 'user';
  const client = {
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret !== undefined && { clientSecret }),
  };
  const assumed = () => assumedForUsersClient(deps, connection, grant);
  return planFor(connection, grant, { tokenEndpoint, addressFrom, ...client }, assumed);
}

// The registration speaks of the operator's client, but the same authorization server is asked.
async function assumedForUsersClient(
  deps: PrepareDependencies,
  { server }: Connection,
  grant: Grant,
): Promise<TokenEndpointAuthMethod | undefined> {
  const registered = registeredMethod(server);
  if (registered !== undefined && registered !== 'none') return registered;
  return announcedAuthMethod(deps, server, grant);
}

type Client = Omit<
  RefreshPlan['request'],
  'refreshToken' | 'scopes' | 'resource' | 'tokenEndpointAuthMethod'
>;

async function planFor(
  { credential: { learned }, server }: Connection,
  grant: RefreshPlan['grant'],
  client: Client,
  assumedMethod: () => Promise<TokenEndpointAuthMethod | undefined>,
): Promise<RefreshPlan> {
  const { refreshToken, scopes, resource } = grant;
  const { omittedParameters } = learned;
  const said = saidMethod(server, grant);
  // Without a secret there is one way only.
  const method =
    client.clientSecret === undefined ? 'none' : (said ?? learned.authMethod ?? (await assumedMethod()));
  return {
    kind: 'ready',
    grant,
    request: {
      ...client,
      refreshToken,
      tokenEndpointAuthMethod: method ?? 'client_secret_basic',
      ...(scopes !== undefined && !omittedParameters.includes('scope') && { scopes }),
      ...(resource !== undefined && !omittedParameters.includes('resource') && { resource }),
    },
    isMethodSaid: said !== undefined,
    learned,
    isOperatorClient: operatorClientId(server, grant) !== undefined,
  };
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
  const found = await deps.authorizationServers.ofMcpServer({
    ...connection.server,
    url: addressOf(connection.server, secrets.secrets),
  });
  if (found.kind !== 'found') return found;
  const { clientSecret } = secrets.secrets;
  const { tokenEndpoint, addressFrom, authMethod } = found.metadata;
  const secret = clientSecret === undefined ? {} : { clientSecret };
  const client = { tokenEndpoint, addressFrom, clientId, ...secret };
  return planFor(connection, grant, client, async () => authMethod);
}

/** Whether the endpoint is at the registered authorization server, or its metadata name it: see `vetDeposit`. */
async function isAdminsAddress(
  { authorizationServers, clock }: PrepareDependencies,
  { server }: Connection,
  tokenEndpoint: string,
): Promise<boolean> {
  const known = server.auth.type === 'oauth2' ? server.auth.authorizationServer : undefined;
  if (known === undefined) return false;
  if (new URL(known).origin === new URL(tokenEndpoint).origin) return true;
  // Where users may point there as well, the refresh goes on without the metadata.
  const found = await Promise.race([
    authorizationServers.ofMcpServer(server),
    clock.sleep(METADATA_WITHIN_MS),
  ]);
  return found?.kind === 'found' && isSameUrl(found.metadata.tokenEndpoint, tokenEndpoint);
}
