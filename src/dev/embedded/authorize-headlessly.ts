import * as oauth from 'oauth4webapi';

export interface HeadlessAuthorization {
  issuer: string;
  clientId: string;
  clientSecret?: string;
  /** Default: `client_secret_basic` with a secret, else `none`. */
  tokenEndpointAuthMethod?: 'client_secret_basic' | 'client_secret_post' | 'none';
  redirectUri: string;
  /** Space-separated. Default: the server's default scopes. */
  scope?: string;
  /** Sent with both requests. RFC 8707. */
  resource?: string;
  /** The account that the demo authorization server logs in. */
  accountId: string;
}

export interface HeadlessTokens {
  accessToken: string;
  refreshToken: string;
  /** Seconds. */
  expiresIn: number;
  /** Space-separated. */
  scope: string;
  tokenEndpoint: string;
}

const MAX_REDIRECTS = 10;

// All requests go to servers on 127.0.0.1.
const LOOPBACK = { [oauth.allowInsecureRequests]: true };

/**
 * Performs a real authorization code grant with PKCE, without a browser.
 *
 * @throws oauth.AuthorizationResponseError if consent is refused, oauth.ResponseBodyError if the code is refused
 * @see https://www.rfc-editor.org/rfc/rfc7636
 */
export async function authorizeHeadlessly(authorization: HeadlessAuthorization): Promise<HeadlessTokens> {
  const as = await discover(authorization.issuer);
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = await authorizationUrl(as, authorization, codeVerifier, state);
  const callback = await followAuthorization(url, authorization.redirectUri);
  const parameters = oauth.validateAuthResponse(as, clientOf(authorization), callback, state);
  const response = await exchangeCode(as, authorization, parameters, codeVerifier);
  return tokensOf(as, response);
}

/**
 * Follows the redirects of an authorization request as a browser without cookies would, up to the redirect back to
 * the client, which is not requested.
 *
 * @param accountId the account that logs in; default: the one that `login_hint` names
 * @returns the URL of the redirect back to the client, with `code` or `error`
 */
export async function followAuthorization(
  authorizationUrl: string | URL,
  redirectUri: string,
  accountId?: string,
): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(authorizationUrl);
  if (accountId !== undefined) url.searchParams.set('login_hint', accountId);
  for (let hops = 0; hops < MAX_REDIRECTS; hops += 1) {
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: cookieHeader(cookies) } });
    keepCookies(cookies, response.headers.getSetCookie());
    url = await redirectTarget(response, url);
    if (url.href.startsWith(redirectUri)) return url;
  }
  throw new Error(`no redirect back to the client within ${MAX_REDIRECTS} redirects`);
}

async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const identifier = new URL(issuer);
  const response = await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...LOOPBACK });
  return oauth.processDiscoveryResponse(identifier, response);
}

async function authorizationUrl(
  as: oauth.AuthorizationServer,
  { clientId, redirectUri, scope, resource, accountId }: HeadlessAuthorization,
  codeVerifier: string,
  state: string,
): Promise<URL> {
  const url = new URL(as.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    state,
    login_hint: accountId,
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
  }).toString();
  return url;
}

async function exchangeCode(
  as: oauth.AuthorizationServer,
  authorization: HeadlessAuthorization,
  parameters: URLSearchParams,
  codeVerifier: string,
): Promise<oauth.TokenEndpointResponse> {
  const { redirectUri, resource } = authorization;
  const client = clientOf(authorization);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    clientAuthenticationOf(authorization),
    parameters,
    redirectUri,
    codeVerifier,
    { ...LOOPBACK, ...(resource !== undefined && { additionalParameters: { resource } }) },
  );
  return oauth.processAuthorizationCodeResponse(as, client, response);
}

function clientOf({ clientId }: HeadlessAuthorization): oauth.Client {
  return { client_id: clientId };
}

function clientAuthenticationOf(authorization: HeadlessAuthorization): oauth.ClientAuth {
  const { clientSecret, tokenEndpointAuthMethod } = authorization;
  if (clientSecret === undefined || tokenEndpointAuthMethod === 'none') return oauth.None();
  if (tokenEndpointAuthMethod === 'client_secret_post') return oauth.ClientSecretPost(clientSecret);
  return oauth.ClientSecretBasic(clientSecret);
}

function tokensOf(as: oauth.AuthorizationServer, response: oauth.TokenEndpointResponse): HeadlessTokens {
  const { access_token, refresh_token, expires_in, scope } = response;
  if (refresh_token === undefined || expires_in === undefined)
    throw new Error('the token response lacks refresh_token or expires_in');
  return {
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresIn: expires_in,
    scope: scope ?? '',
    tokenEndpoint: as.token_endpoint ?? '',
  };
}

function cookieHeader(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}

// All requests go to one server, so cookie paths are ignored. An empty value deletes the cookie.
function keepCookies(cookies: Map<string, string>, setCookies: readonly string[]): void {
  for (const setCookie of setCookies) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(setCookie) ?? [];
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
}

async function redirectTarget(response: Response, from: URL): Promise<URL> {
  const body = await response.text();
  const location = response.headers.get('location');
  if (location === null) throw new Error(`no redirect from ${from.pathname}: ${response.status} ${body}`);
  return new URL(location, from);
}
