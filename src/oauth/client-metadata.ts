import { preferredAuthMethod } from './client-authentication.ts';

/** The metadata of a client, as it registers itself. @see https://www.rfc-editor.org/rfc/rfc7591#section-2 */
export interface ClientMetadata {
  redirect_uris: string[];
  client_name: string;
  client_uri?: string;
  grant_types: string[];
  response_types: string[];
  token_endpoint_auth_method: string;
  application_type: 'native' | 'web';
  scope?: string;
}

export interface ClientDescription {
  clientName: string;
  redirectUris: readonly string[];
  clientUri?: string;
  /** The methods that the authorization server announces. Default: `client_secret_basic` (RFC 8414 §2). */
  authMethods?: readonly string[];
  scope?: string;
}

/** Describes Latchkey as a client of an authorization server that registers clients dynamically. */
export function clientMetadata(client: ClientDescription): ClientMetadata {
  return {
    client_name: client.clientName,
    ...(client.clientUri !== undefined && { client_uri: client.clientUri }),
    redirect_uris: [...client.redirectUris],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: preferredAuthMethod(client.authMethods) ?? 'client_secret_basic',
    application_type: client.redirectUris.every(isLoopback) ? 'native' : 'web',
    ...(client.scope !== undefined && { scope: client.scope }),
  };
}

/**
 * Whether a redirect URI leads to the user's own machine. Without `application_type: native`, servers that follow
 * OpenID Connect refuse it, because a `web` client must use https.
 *
 * @see https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata
 */
function isLoopback(uri: string): boolean {
  const { hostname } = new URL(uri);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
