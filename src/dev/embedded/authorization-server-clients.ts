import { randomBytes, randomUUID } from 'node:crypto';
import type { Adapter, AdapterPayload, default as Provider } from 'oidc-provider';

export type TokenEndpointAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

export interface ClientRegistration {
  /** Default: a new one. Registering a known id again replaces that client. */
  clientId?: string;
  /** Default: a new one, unless the client is public. */
  clientSecret?: string;
  /** Compared exactly. */
  redirectUris: readonly string[];
  /** Default: `client_secret_basic` with a secret, else `none`. */
  tokenEndpointAuthMethod?: TokenEndpointAuthMethod;
}

export interface RegisteredClient {
  clientId: string;
  /** Absent for public clients. */
  clientSecret?: string;
  redirectUris: readonly string[];
  tokenEndpointAuthMethod: TokenEndpointAuthMethod;
}

/** @throws InvalidClientMetadata of oidc-provider. */
export async function registerClient(
  provider: Provider,
  clients: Adapter,
  registration: ClientRegistration,
): Promise<RegisteredClient> {
  const client = completed(registration);
  await clients.upsert(client.clientId, metadataOf(client));
  // Metadata is checked when a client is read: here, rather than at its first request.
  await provider.Client.find(client.clientId);
  return client;
}

function completed(registration: ClientRegistration): RegisteredClient {
  const { clientId = randomUUID(), clientSecret, redirectUris } = registration;
  const method =
    registration.tokenEndpointAuthMethod ?? (clientSecret === undefined ? 'none' : 'client_secret_basic');
  const client = { clientId, redirectUris, tokenEndpointAuthMethod: method };
  if (method === 'none') return client;
  return { ...client, clientSecret: clientSecret ?? randomBytes(24).toString('base64url') };
}

function metadataOf(client: RegisteredClient): AdapterPayload {
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
  };
}
