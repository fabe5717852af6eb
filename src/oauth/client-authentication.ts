import * as oauth from 'oauth4webapi';

export type TokenEndpointAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

export interface ClientCredentials {
  /** Absent: no client authentication and no `client_id`. */
  clientId?: string;
  clientSecret?: string;
  /** Default: `client_secret_basic` where there is a secret (RFC 7591 §2), else `none`. */
  tokenEndpointAuthMethod?: TokenEndpointAuthMethod;
}

/** How a client proves itself at the token and revocation endpoints. @see RFC 6749 §2.3.1 */
export function clientAuthentication(client: ClientCredentials): oauth.ClientAuth {
  const { clientId, clientSecret, tokenEndpointAuthMethod: method } = client;
  if (clientId === undefined) return () => {};
  if (clientSecret === undefined || method === 'none') return oauth.None();
  if (method === 'client_secret_post') return oauth.ClientSecretPost(clientSecret);
  return (_server, _client, _body, headers) => {
    headers.set('authorization', `Basic ${basicCredentials(clientId, clientSecret)}`);
  };
}

/** What follows `Basic ` in the header. @see RFC 6749 §2.3.1, appendix B */
export function basicCredentials(clientId: string, clientSecret: string): string {
  return btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`);
}

// Many endpoints compare what they get without decoding it, so letters, digits and `-._` stay as they are: the URL
// standard's serializer does that (https://url.spec.whatwg.org/#urlencoded-serializing), the OAuth library does not.
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1).replaceAll('*', '%2A');
}

/** The metadata's methods that are spoken here, the one to use first. @see RFC 8414 §2, RFC 7591 §2 */
export function preferredAuthMethod(supported: unknown): TokenEndpointAuthMethod | undefined {
  if (!Array.isArray(supported)) return undefined;
  return PREFERENCE.find((method) => supported.includes(method));
}

const PREFERENCE = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** The methods to try after the endpoint has refused this one, where a secret is known. */
export function otherAuthMethods(method: TokenEndpointAuthMethod): readonly TokenEndpointAuthMethod[] {
  return WITH_SECRET.filter((other) => other !== method);
}

const WITH_SECRET = ['client_secret_basic', 'client_secret_post'] as const;
