import { importJWK, type JWK } from 'jose';
import * as oauth from 'oauth4webapi';

/** The methods that need no more than a secret: those of users' own clients, and of dynamic registrations. */
export type KeylessAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

export type TokenEndpointAuthMethod = KeylessAuthMethod | 'private_key_jwt';

export interface ClientCredentials {
  /** Absent: no client authentication and no `client_id`. */
  clientId?: string;
  clientSecret?: string;
  /** For `private_key_jwt`: a private key that names its `alg`, and its `kid` if the server needs it. */
  privateKey?: JWK;
  /**
   * Default: `private_key_jwt` if there is a key, else `client_secret_basic` if there is a secret (RFC 7591 §2), else
   * `none`.
   */
  tokenEndpointAuthMethod?: TokenEndpointAuthMethod;
  /** The issuer of the authorization server: the audience of `private_key_jwt`. Default: the endpoint. */
  issuer?: string;
}

/**
 * Authenticates a client at the token and revocation endpoints.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export function clientAuthentication(client: ClientCredentials): oauth.ClientAuth {
  const { clientId, clientSecret, privateKey, tokenEndpointAuthMethod: method } = client;
  if (clientId === undefined) return () => {};
  if (privateKey !== undefined && (method === undefined || method === 'private_key_jwt')) {
    return privateKeyJwt(privateKey, client.issuer);
  }
  if (clientSecret === undefined || method === 'none') return oauth.None();
  if (method === 'client_secret_post') return oauth.ClientSecretPost(clientSecret);
  return (_server, _client, _body, headers) => {
    headers.set('authorization', `Basic ${basicCredentials(clientId, clientSecret)}`);
  };
}

// RFC 7523 §3 leaves the audience open; the issuer is the one that no other server can have asked for.
// https://openid.net/wp-content/uploads/2025/01/OIDF-Responsible-Disclosure-Notice-on-Security-Vulnerability-for-private_key_jwt.pdf
function privateKeyJwt(jwk: JWK, issuer: string | undefined): oauth.ClientAuth {
  return async (server, client, body, headers) => {
    const key = await importJWK(jwk);
    if (key instanceof Uint8Array) throw new TypeError('the private key is a symmetric one');
    const signer = { key, ...(jwk.kid !== undefined && { kid: jwk.kid }) };
    const authenticate = oauth.PrivateKeyJwt(signer, {
      // The library writes `Ed25519` (RFC 9864) for a key whose server may know only `EdDSA` (RFC 8037).
      [oauth.modifyAssertion]: (header) => {
        if (jwk.alg !== undefined) header.alg = jwk.alg;
      },
    });
    await authenticate({ ...server, issuer: issuer ?? server.issuer }, client, body, headers);
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

/** Returns the method to use for a client without a key, of those that metadata announces. @see RFC 8414 §2, RFC 7591 §2 */
export function preferredAuthMethod(supported: unknown): KeylessAuthMethod | undefined {
  if (!Array.isArray(supported)) return undefined;
  return PREFERENCE.find((method) => supported.includes(method));
}

const PREFERENCE = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** Returns the methods to try for a client with a secret after the endpoint has refused this one. */
export function otherAuthMethods(method: TokenEndpointAuthMethod): readonly KeylessAuthMethod[] {
  return WITH_SECRET.filter((other) => other !== method);
}

const WITH_SECRET = ['client_secret_basic', 'client_secret_post'] as const;
