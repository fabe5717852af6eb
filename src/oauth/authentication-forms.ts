import { type ClientCredentials, otherAuthMethods } from './client-authentication.ts';

export interface AuthenticatedRequest extends ClientCredentials {
  /** The method of client authentication is not stated: if this one is refused, the other one is tried once. */
  isMethodAssumed?: boolean;
}

/** Returns the request with each method that the client may authenticate with, the likeliest first. */
export function authenticationForms<T extends AuthenticatedRequest>(request: T): T[] {
  const { isMethodAssumed, clientSecret, tokenEndpointAuthMethod = 'client_secret_basic' } = request;
  if (!isMethodAssumed || clientSecret === undefined) return [request];
  const others = otherAuthMethods(tokenEndpointAuthMethod);
  return [request, ...others.map((method) => ({ ...request, tokenEndpointAuthMethod: method }))];
}

const CLIENT_REFUSED = ['invalid_client', 'unauthorized_client', 'invalid_request'];

/**
 * Whether these error codes may blame the method of client authentication. `invalid_request` too: a server that reads
 * the client from the body alone misses it there.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function mayBlameMethod(codes: readonly string[]): boolean {
  return codes.some((code) => CLIENT_REFUSED.includes(code));
}
