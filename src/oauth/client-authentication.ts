import * as oauth from 'oauth4webapi';

export interface ClientCredentials {
  /** Absent: no client authentication and no `client_id`. */
  clientId?: string;
  clientSecret?: string;
  /** Default: `client_secret_basic` where there is a secret (RFC 7591 §2), else `none`. */
  tokenEndpointAuthMethod?: 'client_secret_basic' | 'client_secret_post' | 'none';
}

/** How a client proves itself at the token and revocation endpoints. @see RFC 6749 §2.3.1 */
export function clientAuthentication(client: ClientCredentials): oauth.ClientAuth {
  if (client.clientId === undefined) return () => {};
  if (client.clientSecret === undefined || client.tokenEndpointAuthMethod === 'none') return oauth.None();
  return client.tokenEndpointAuthMethod === 'client_secret_post'
    ? oauth.ClientSecretPost(client.clientSecret)
    : oauth.ClientSecretBasic(client.clientSecret);
}
