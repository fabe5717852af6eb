import * as oauth from 'oauth4webapi';

export type TokenEndpointAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

export interface ClientCredentials {
  /** Absent: no client authentication and no `client_id`. */
  clientId?: string;
  clientSecret?: string;
  /** Default: `client_secret_basic` if there is a secret (RFC 7591 §2), else `none`. */
  tokenEndpointAuthMethod?: TokenEndpointAuthMethod;
}

/**
 * Authenticates a client at the token and revocation endpoints.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export function clientAuthentication(client: ClientCredentials): oauth.ClientAuth {
  const { clientId, clientSecret, tokenEndpointAuthMethod: method } = client;
  if (clientId === undefined) return () => {};
  if (clientSecret === undefined || method === 'none') return oauth.None();
  if (method === 'client_secret_post') return oauth.ClientSecretPost(clientSecret);
  return (_server, _client, _body, headers) => {
    headers.set('authorization', `Basic ${basicCredentials(clientId, clientSecret)}`);
  };
}

/** Returns the text that follows `Basic ` in the header. @see RFC 6749 §2.3.1, appendix B */
export function basicCredentials(clientId: string, clientSecret: string): string {
  return btoa(basicText(clientId, clientSecret));
}

function basicText(clientId: string, clientSecret: string): string {
  return `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
}

/** Returns every form in which a client's secret is sent: itself, and the credentials of `Basic`, plain and in base64. */
export function secretsOfClient({ clientId = '', clientSecret }: ClientCredentials): string[] {
  if (clientSecret === undefined) return [];
  return [clientSecret, basicText(clientId, clientSecret), basicCredentials(clientId, clientSecret)];
}

// Many endpoints compare the credentials without decoding them, so letters, digits and `-._` must stay as they are. The
// serializer of the URL standard does that (https://url.spec.whatwg.org/#urlencoded-serializing), the OAuth library
// does not.
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1).replaceAll('*', '%2A');
}

/** Returns the method to use, of those that metadata announces. @see RFC 8414 §2, RFC 7591 §2 */
export function preferredAuthMethod(supported: unknown): TokenEndpointAuthMethod | undefined {
  if (!Array.isArray(supported)) return undefined;
  return PREFERENCE.find((method) => supported.includes(method));
}

const PREFERENCE = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** Returns the methods to try for a client with a secret after the endpoint has refused this one. */
export function otherAuthMethods(method: TokenEndpointAuthMethod): readonly TokenEndpointAuthMethod[] {
  return WITH_SECRET.filter((other) => other !== method);
}

const WITH_SECRET = ['client_secret_basic', 'client_secret_post'] as const;
