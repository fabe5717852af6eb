import * as oauth from 'oauth4webapi';
import { hasScope } from '../contracts/scopes.ts';

export interface AuthorizationRequest {
  metadata: { authorizationEndpoint: string };
  clientId: string;
  redirectUri: string;
  state: string;
  /** RFC 7636 §4.1. The URL holds only its SHA-256. */
  codeVerifier: string;
  scope?: string;
  /** RFC 8707. Sent byte for byte, also with the code and with every refresh. */
  resource?: string;
  loginHint?: string;
  /** Sent only with the scope `openid`, which alone brings an ID token to compare it with. */
  nonce?: string;
  /** The registration's `authorizationParams`. What the protocol itself sets wins. */
  extra?: Record<string, string>;
}

/**
 * Builds the URL that the user's browser is sent to: an authorization request with PKCE S256. The endpoint's own query
 * stays.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1, https://www.rfc-editor.org/rfc/rfc7636#section-4.3
 */
export async function buildAuthorizationUrl(request: AuthorizationRequest): Promise<URL> {
  const url = new URL(request.metadata.authorizationEndpoint);
  const parameters = {
    ...consentPrompt(request.scope),
    ...request.extra,
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    state: request.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(request.codeVerifier),
    code_challenge_method: 'S256',
    ...optionalParameters(request),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

function optionalParameters({ scope, resource, loginHint, nonce }: AuthorizationRequest) {
  return {
    ...(scope !== undefined && scope !== '' && { scope }),
    ...(resource !== undefined && { resource }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
    ...(nonce !== undefined && hasScope(scope, 'openid') && { nonce }),
  };
}

// OpenID Connect Core §11: a server ignores `offline_access` unless the request asks for consent.
function consentPrompt(scope: string | undefined): { prompt?: string } {
  return hasScope(scope, 'offline_access') ? { prompt: 'consent' } : {};
}
