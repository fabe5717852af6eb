import { randomBytes, randomUUID } from 'node:crypto';
import type { Adapter, AdapterPayload, default as Provider } from 'oidc-provider';

export type TokenEndpointAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

export interface ClientRegistration {
  /** Default: a new id. Registering a known id again replaces that client. */
  clientId?: string;
  /** Default: a new secret, unless the client is public. */
  clientSecret?: string;
  /** They must match exactly. */
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

/** @throws oidc-provider's InvalidClientMetadata */
export async function registerClient(
  provider: Provider,
  clients: Adapter,
  registration: ClientRegistration,
): Promise<RegisteredClient> {
  const client = withDefaults(registration);
  await clients.upsert(client.clientId, metadataOf(client));
  // oidc-provider validates metadata when it reads a client. This read makes invalid metadata fail here.
  await provider.Client.find(client.clientId);
  return client;
}

function withDefaults(registration: ClientRegistration): RegisteredClient {
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
