import type { KeyMissing } from '../../contracts/activities.ts';
import type { ClientCredentials } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerMetadata } from '../../oauth/issuer-metadata.ts';
import type { RegisteredServer, ServerSecrets } from '../../servers/registered-server.ts';
import type { ConnectCode } from '../connect-code.ts';
import { documentClientId, hasDocument } from './client-id-document.ts';
import { findOrRegisterClient, type RegistrationDependencies } from './find-or-register-client.ts';
import { redirectUri } from './redirect-uri.ts';

/**
 * Where a client comes from. `operator`: the registration of the MCP server; grants leave this client out, and refreshes
 * take it from there.
 */
export type ClientSource = 'operator' | 'document' | 'registration';

/** The client of one flow. */
export interface FlowClient extends ClientCredentials {
  source: ClientSource;
  clientId: string;
  /** The owner of the client does not state the method. */
  isMethodAssumed: boolean;
  /** When the secret of a dynamic registration expires, as ISO 8601. */
  clientSecretExpiresAt?: string;
  /** Of a dynamic registration. */
  generation?: number;
}

export type ClientChoice =
  | { kind: 'client'; client: FlowClient; redirectUri: string }
  | { kind: 'refused'; code: ConnectCode; message: string }
  | KeyMissing;

export interface ClientQuestion {
  server: RegisteredServer;
  secrets: ServerSecrets;
  metadata: AuthorizationServerMetadata;
  /** Whether a stored connection shows that the authorization server refuses this client. */
  isRefused: (client: Pick<ClientCredentials, 'clientId' | 'clientSecret'>) => boolean;
}

/**
 * Chooses the client, in the order of the MCP specification: the operator's, the client id metadata document, a dynamic
 * registration.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#client-registration-approaches
 */
export async function chooseClient(
  deps: RegistrationDependencies,
  { server, secrets, metadata, isRefused }: ClientQuestion,
): Promise<ClientChoice> {
  const uri = redirectUri(deps.publicUrl, metadata);
  const known = operatorClient(server, secrets, metadata) ?? documentClient(deps.publicUrl, metadata);
  if (known !== undefined) return { kind: 'client', client: known, redirectUri: uri };
  const { registrationEndpoint } = metadata;
  if (registrationEndpoint === undefined) return noClient(server, metadata, uri);
  const key = { issuer: metadata.issuer, mcpServerId: server.id, redirectUri: uri };
  const outcome = await findOrRegisterClient(deps, key, { ...metadata, registrationEndpoint }, isRefused);
  if (outcome.kind !== 'client') return outcome;
  const { clientSecretExpiresAt: expiry, ...client } = outcome.client;
  const isMethodAssumed = client.tokenEndpointAuthMethod === undefined;
  return {
    kind: 'client',
    redirectUri: uri,
    client: {
      source: 'registration',
      isMethodAssumed,
      ...(metadata.authMethod !== undefined && { tokenEndpointAuthMethod: metadata.authMethod }),
      ...client,
      ...(expiry !== undefined && { clientSecretExpiresAt: expiry.toISOString() }),
    },
  };
}

/** Returns the source of the client that `chooseClient` would use. Registers no client. Undefined: none is possible. */
export function clientSourceOf(
  publicUrl: string,
  { auth, metadata }: { auth: { clientId?: string }; metadata: AuthorizationServerMetadata },
): ClientSource | undefined {
  if (auth.clientId !== undefined) return 'operator';
  if (takesDocument(publicUrl, metadata)) return 'document';
  return metadata.registrationEndpoint === undefined ? undefined : 'registration';
}

function operatorClient(
  { auth }: RegisteredServer,
  { clientSecret, privateKey }: ServerSecrets,
  { authMethod, issuer }: AuthorizationServerMetadata,
): FlowClient | undefined {
  if (auth.type !== 'oauth2' || auth.clientId === undefined) return undefined;
  const method = auth.tokenEndpointAuthMethod ?? (privateKey === undefined ? authMethod : undefined);
  return {
    source: 'operator',
    clientId: auth.clientId,
    isMethodAssumed: auth.tokenEndpointAuthMethod === undefined,
    issuer,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(privateKey !== undefined && { privateKey }),
    ...(method !== undefined && { tokenEndpointAuthMethod: method }),
  };
}

function documentClient(publicUrl: string, metadata: AuthorizationServerMetadata): FlowClient | undefined {
  if (!takesDocument(publicUrl, metadata)) return undefined;
  return {
    source: 'document',
    clientId: documentClientId(publicUrl, metadata),
    isMethodAssumed: false,
    tokenEndpointAuthMethod: 'none',
  };
}

function takesDocument(
  publicUrl: string,
  { supportsClientIdMetadataDocument, authMethods = [] }: AuthorizationServerMetadata,
): boolean {
  return supportsClientIdMetadataDocument && authMethods.includes('none') && hasDocument(publicUrl);
}

function noClient(
  server: RegisteredServer,
  { issuer }: AuthorizationServerMetadata,
  uri: string,
): ClientChoice {
  return {
    kind: 'refused',
    code: 'no-client',
    message: `the authorization server ${issuer} registers no clients by itself: register one there with the redirect URI ${uri}, and put its clientId into the registration of the MCP server ${server.id}`,
  };
}
