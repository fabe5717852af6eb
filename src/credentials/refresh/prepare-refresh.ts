import type { CredentialKey, KeyMissing, Misconfigured } from '../../contracts/activities.ts';
import type { ConnectionReason } from '../../contracts/step.ts';
import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { RefreshGrantRequest } from '../../oauth/refresh-grant.ts';
import type { Vault } from '../../vault/vault.ts';
import { type Grant, type LearnedOfEndpoint, openGrant } from '../credential.ts';
import type { Connection } from '../credential-store.ts';
import {
  announcedAuthMethod,
  type EndpointMetadataDependencies,
  isVouchedForByAdmin,
} from './endpoint-metadata.ts';
import {
  findOperatorClient,
  operatorClientId,
  registeredAuthMethod,
  statedAuthMethod,
} from './operator-client.ts';

/** A refresh that may be sent. */
export interface RefreshPlan {
  kind: 'ready';
  grant: Grant & { refreshToken: string };
  request: Omit<RefreshGrantRequest, 'beforeFirstByte'>;
  /** The deposit or the registration states how the client authenticates; otherwise the method is assumed. */
  isMethodStated: boolean;
  learned: LearnedOfEndpoint;
  /** The refresh authenticates as the operator's client, not as the user's own. */
  isOperatorClient: boolean;
}

export type PreparedRefresh =
  | RefreshPlan
  | { kind: 'reauth-required'; reason: ConnectionReason }
  | KeyMissing
  | Omit<Misconfigured, 'clientRefused'>
  | { kind: 'unavailable'; cause: string };

export interface PrepareDependencies extends EndpointMetadataDependencies {
  vault: Vault;
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
  const opened = await openGrant(deps.vault, key, credential.grantJwe);
  if (opened.kind === 'undecryptable') return { kind: 'reauth-required', reason: 'undecryptable' };
  if (opened.kind === 'key-missing') return opened;
  const { grant } = opened;
  const { refreshToken } = grant;
  if (refreshToken === undefined) return { kind: 'reauth-required', reason: 'no-refresh-token' };
  const operatorClient = operatorClientId(connection.server, grant);
  return operatorClient === undefined
    ? planForUsersClient(deps, connection, { ...grant, refreshToken })
    : planForOperatorClient(deps, connection, { ...grant, refreshToken }, operatorClient);
}

async function planForUsersClient(
  deps: PrepareDependencies,
  connection: Connection,
  grant: RefreshPlan['grant'],
): Promise<RefreshPlan> {
  const { server } = connection;
  const { tokenEndpoint, clientId, clientSecret } = grant;
  const addressFrom = (await isVouchedForByAdmin(deps, connection, tokenEndpoint)) ? 'admin' : 'user';
  const client = {
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret !== undefined && { clientSecret }),
  };
  // The registration states the method of the operator's client, but the authorization server is the same.
  const registered = registeredAuthMethod(server);
  const assumedMethod = async () =>
    registered === 'client_secret_basic' || registered === 'client_secret_post'
      ? registered
      : announcedAuthMethod(deps, connection, grant);
  return planFor(connection, grant, { tokenEndpoint, addressFrom, ...client }, assumedMethod);
}

async function planForOperatorClient(
  deps: PrepareDependencies,
  connection: Connection,
  grant: RefreshPlan['grant'],
  clientId: string,
): Promise<PreparedRefresh> {
  const found = await findOperatorClient(deps, connection, { clientId, grant });
  if (found.kind !== 'found') return found;
  const { tokenEndpoint, addressFrom, authMethod } = found.metadata;
  const client = { tokenEndpoint, addressFrom, ...found.client };
  return planFor(connection, grant, client, async () => authMethod);
}

type ClientAtEndpoint = Omit<
  RefreshPlan['request'],
  'refreshToken' | 'scopes' | 'resource' | 'tokenEndpointAuthMethod'
>;

async function planFor(
  { credential: { learned }, server }: Connection,
  grant: RefreshPlan['grant'],
  client: ClientAtEndpoint,
  assumedMethod: () => Promise<TokenEndpointAuthMethod | undefined>,
): Promise<RefreshPlan> {
  const { refreshToken, scopes, resource } = grant;
  const { omittedParameters } = learned;
  const stated = statedAuthMethod(server, grant);
  const isPublic = client.clientSecret === undefined && client.privateKey === undefined;
  const method = isPublic ? 'none' : (stated ?? learned.authMethod ?? (await assumedMethod()));
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
    isMethodStated: stated !== undefined,
    learned,
    isOperatorClient: operatorClientId(server, grant) !== undefined,
  };
}
