import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../../src/dev/embedded/authorization-server.ts';
import type { RegisteredClient } from '../../../src/dev/embedded/authorization-server-clients.ts';
import {
  authorizeHeadlessly,
  followAuthorization,
  type HeadlessTokens,
} from '../../../src/dev/embedded/authorize-headlessly.ts';
import { createHeadlessBrowser } from '../../../src/dev/embedded/headless-browser.ts';
import { serveHttp } from '../../net/loopback-server.ts';

const REDIRECT_URI = 'http://127.0.0.1:9/callback';
const RESOURCE = 'http://127.0.0.1:9/mcp';

// RFC 7636, appendix B.
const PKCE = {
  codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
};

let server: AuthorizationServer;
let client: RegisteredClient;
let userNumber = 0;
let accountId: string;

beforeAll(async () => {
  server = await startAuthorizationServer();
  client = await server.registerClient({ redirectUris: [REDIRECT_URI] });
});

afterAll(() => server.stop());

beforeEach(() => {
  userNumber += 1;
  accountId = `user-${userNumber}`;
});

interface TokenAnswer {
  status: number;
  access_token?: string;
  refresh_token?: string;
  expires_in?: number;
  error?: string;
}

function authorize(request: { client?: RegisteredClient; scope?: string } = {}): Promise<HeadlessTokens> {
  const { client: authorizing = client, scope } = request;
  return authorizeHeadlessly({
    ...authorizing,
    issuer: server.issuer,
    redirectUri: REDIRECT_URI,
    resource: RESOURCE,
    accountId,
    ...(scope !== undefined && { scope }),
  });
}

function authorizationUrl(more: Record<string, string> = {}): URL {
  const url = new URL(server.authorizationEndpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: REDIRECT_URI,
    code_challenge: PKCE.code_challenge,
    code_challenge_method: 'S256',
    state: 's',
    ...more,
  }).toString();
  return url;
}

async function registerDynamically(metadata: Record<string, unknown>): Promise<string> {
  const response = await fetch(server.registrationEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      ...metadata,
    }),
  });
  expect(response.status).toBe(201);
  // The answer to a registration holds the client's id. RFC 7591 §3.2.1.
  const { client_id } = (await response.json()) as { client_id: string };
  return client_id;
}

async function refresh(refreshToken: string, { clientId } = client): Promise<TokenAnswer> {
  const response = await fetch(server.tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: clientId,
    }),
  });
  return { status: response.status, ...JSON.parse((await response.text()) || '{}') };
}

async function introspect(token: string): Promise<Record<string, unknown>> {
  const { clientId, clientSecret } = server.introspectionClient;
  const response = await fetch(server.introspectionEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams({ token }),
  });
  // Introspection answers with one JSON object. RFC 7662 §2.2.
  return (await response.json()) as Record<string, unknown>;
}

describe('authorization', () => {
  test('a code exchange with PKCE gives an opaque token for the user and the resource', async () => {
    const tokens = await authorize({ scope: 'mcp:tools ledger:export' });

    expect(tokens).toMatchObject({
      expiresIn: 3600,
      scope: 'mcp:tools ledger:export',
      tokenEndpoint: server.tokenEndpoint,
    });
    expect(await introspect(tokens.accessToken)).toMatchObject({
      active: true,
      sub: accountId,
      aud: RESOURCE,
      scope: 'mcp:tools ledger:export',
      iss: server.issuer,
    });
    expect(server.stats.tokenGrants('authorization_code', { accountId })).toEqual({
      succeeded: 1,
      failed: 0,
    });
  });

  test('a request without scope gets the default one', async () => {
    expect((await authorize()).scope).toBe('mcp:tools');
  });

  test.each(['client_secret_basic', 'client_secret_post'] as const)(
    'a confidential client exchanges its code with %s',
    async (tokenEndpointAuthMethod) => {
      const confidential = await server.registerClient({
        redirectUris: [REDIRECT_URI],
        clientSecret: 'a secret: +/% and "more"',
        tokenEndpointAuthMethod,
      });
      expect((await authorize({ client: confidential })).accessToken).toBeTruthy();
    },
  );

  test.each(['web', 'native'])(
    'a %s client that registers itself can authorize',
    async (application_type) => {
      const clientId = await registerDynamically({ application_type });
      expect((await authorize({ client: { ...client, clientId } })).refreshToken).toBeTruthy();
    },
  );

  test('a removed client is unknown at the token endpoint', async () => {
    const removed = await server.registerClient({ redirectUris: [REDIRECT_URI] });
    const { refreshToken } = await authorize({ client: removed });
    await server.removeClient(removed.clientId);
    expect(await refresh(refreshToken, removed)).toMatchObject({ status: 401, error: 'invalid_client' });
  });

  test('a request without a code challenge is refused', async () => {
    const url = authorizationUrl();
    url.searchParams.delete('code_challenge');
    const callback = await followAuthorization(url, REDIRECT_URI, accountId);
    expect(callback.searchParams.get('error')).toBe('invalid_request');
  });

  test('a user can refuse consent', async () => {
    onTestFinished(() => server.control.setDenyConsent(false));
    server.control.setDenyConsent(true);
    await expect(authorize()).rejects.toMatchObject({ error: 'access_denied' });
  });

  test('a program without a user name gets the page', async () => {
    const url = authorizationUrl();
    await expect(followAuthorization(url, REDIRECT_URI)).rejects.toThrow('name="account"');
    expect((await followAuthorization(url, REDIRECT_URI, accountId)).searchParams.has('code')).toBe(true);
  });

  test('a browser gets a page that names the client and the scopes, and asks each time', async () => {
    const browser = createHeadlessBrowser();
    const named = await registerDynamically({ client_name: 'Latch & Key', application_type: 'native' });
    const url = authorizationUrl({ client_id: named, scope: 'mcp:tools', login_hint: accountId });
    const page = await browser.open(url);
    expect(page).toMatchObject({ status: 200, heading: 'Allow Latch & Key?' });
    expect(page.html).toContain('mcp:tools');
    expect(page.html).toContain(`value="${accountId}"`);

    // Nothing listens at the redirect URI.
    await expect(browser.press(page, 'Sign in and allow')).rejects.toThrow('ECONNREFUSED');
    const again = await browser.open(url);
    expect(again.heading).toBe('Allow Latch & Key?');
    await browser.press(again, 'Sign in and allow', { account: 'somebody-else' }).catch(() => {});
    expect((await browser.open(url)).heading).toBe('Allow Latch & Key?');
  });

  test('the buttons of the page decide', async () => {
    const callbacks: URL[] = [];
    const listener = await serveHttp((request, response) => {
      callbacks.push(new URL(request.url ?? '', listener.url));
      response.end('<h1>Back</h1>');
    });
    onTestFinished(listener.close);
    const redirectUri = `http://127.0.0.1:${listener.port}/callback`;
    const { clientId } = await server.registerClient({ redirectUris: [redirectUri] });
    const url = authorizationUrl({ client_id: clientId, redirect_uri: redirectUri });
    const browser = createHeadlessBrowser();

    const denied = await browser.press(await browser.open(url), 'Deny');
    expect(denied.heading).toBe('Back');
    await browser.press(await browser.open(url), 'Sign in and allow', { account: accountId });
    expect(callbacks.map(({ searchParams }) => searchParams.get('error'))).toEqual(['access_denied', null]);
    expect(callbacks[1]?.searchParams.get('iss')).toBe(server.issuer);
    expect(callbacks[1]?.searchParams.has('code')).toBe(true);
  });

  test('the id_token says whose account it is', async () => {
    const { codeVerifier, ...pkce } = PKCE;
    const url = authorizationUrl({ ...pkce, scope: 'openid email mcp:tools', resource: RESOURCE });
    const callback = await followAuthorization(url, REDIRECT_URI, accountId);
    const response = await fetch(server.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        redirect_uri: REDIRECT_URI,
        client_id: client.clientId,
        code_verifier: codeVerifier,
      }),
    });
    const { id_token: idToken } = Object(await response.json());
    expect(decodeJwt(idToken)).toMatchObject({ sub: accountId, email: accountId, aud: client.clientId });
  });

  test('a server without dynamic registration, and with other metadata, is honest about both', async () => {
    const plain = await startAuthorizationServer({
      dynamicRegistration: false,
      metadata: {
        authorization_response_iss_parameter_supported: undefined,
        code_challenge_methods_supported: [],
      },
    });
    onTestFinished(plain.stop);
    const response = await fetch(`${plain.issuer}/.well-known/oauth-authorization-server`);
    const metadata = Object(await response.json());
    expect(Object.keys(metadata)).not.toContain('registration_endpoint');
    expect(Object.keys(metadata)).not.toContain('authorization_response_iss_parameter_supported');
    expect(metadata.code_challenge_methods_supported).toEqual([]);
    const registration = await fetch(plain.registrationEndpoint, { method: 'POST' });
    expect(registration.status).toBe(404);
    expect(plain.stats.requests('registration')).toBe(1);
  });

  test('without refresh tokens, the token response has only an access token', async () => {
    onTestFinished(() => server.control.setRefreshTokens(true));
    server.control.setRefreshTokens(false);
    await expect(authorize()).rejects.toThrow('lacks refresh_token');
  });

  test('both metadata documents name the exact issuer and the endpoints', async () => {
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      const response = await fetch(`${server.issuer}/.well-known/${name}`);
      expect(await response.json()).toMatchObject({
        issuer: server.issuer,
        token_endpoint: server.tokenEndpoint,
        revocation_endpoint: server.revocationEndpoint,
        introspection_endpoint: server.introspectionEndpoint,
        registration_endpoint: server.registrationEndpoint,
        code_challenge_methods_supported: ['S256'],
      });
    }
  });
});

describe('refresh tokens', () => {
  test('a refresh rotates the refresh token and keeps the resource', async () => {
    const tokens = await authorize();
    const renewed = await refresh(tokens.refreshToken);

    expect(renewed.refresh_token).not.toBe(tokens.refreshToken);
    expect(await introspect(renewed.access_token ?? '')).toMatchObject({
      active: true,
      sub: accountId,
      aud: RESOURCE,
    });
    expect((await refresh(renewed.refresh_token ?? '')).status).toBe(200);
    expect(server.stats.tokenGrants('refresh_token', { accountId })).toEqual({ succeeded: 2, failed: 0 });
  });

  test('reuse of a spent refresh token kills the whole grant', async () => {
    const tokens = await authorize();
    const renewed = await refresh(tokens.refreshToken);

    expect(await refresh(tokens.refreshToken)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await refresh(renewed.refresh_token ?? '')).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await introspect(renewed.access_token ?? '')).toEqual({ active: false });
    expect(server.stats.tokenGrants('refresh_token', { accountId })).toEqual({ succeeded: 1, failed: 1 });
  });

  test('the same refresh token sent twice at once is spent once', async () => {
    const tokens = await authorize();
    const answers = await Promise.all([refresh(tokens.refreshToken), refresh(tokens.refreshToken)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  test('without rotation the refresh token stays the same', async () => {
    onTestFinished(() => server.control.setRefreshTokenRotation(true));
    server.control.setRefreshTokenRotation(false);
    const tokens = await authorize();
    expect((await refresh(tokens.refreshToken)).refresh_token).toBe(tokens.refreshToken);
  });

  test('revoking a refresh token ends the grant', async () => {
    const tokens = await authorize();
    await fetch(server.revocationEndpoint, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.refreshToken, client_id: client.clientId }),
    });
    expect(await introspect(tokens.accessToken)).toEqual({ active: false });
    expect(await refresh(tokens.refreshToken)).toMatchObject({ error: 'invalid_grant' });
    expect(server.stats.requests('revocation')).toBeGreaterThan(0);
  });
});

describe('control', () => {
  test('a new time to live holds for the tokens issued from then on, and they do expire', async () => {
    const before = await authorize();
    server.control.setAccessTokenTtl(1);
    const renewed = await refresh(before.refreshToken);
    server.control.setAccessTokenTtl(3600);

    expect(renewed.expires_in).toBe(1);
    await expect.poll(async () => (await introspect(renewed.access_token ?? '')).active).toBe(false);
    expect(await introspect(before.accessToken)).toMatchObject({ active: true });
  });

  test('expiring an account ends its access tokens only, and nobody else’s', async () => {
    const mine = await authorize();
    accountId = `${accountId}-other`;
    const others = await authorize();
    server.control.expireAccessTokens(`user-${userNumber}`);

    expect(await introspect(mine.accessToken)).toEqual({ active: false });
    expect(await introspect(others.accessToken)).toMatchObject({ active: true });
    expect((await refresh(mine.refreshToken)).status).toBe(200);
  });

  test('withdrawn consent ends every token of the account, until it consents again', async () => {
    const tokens = await authorize();
    server.control.revokeGrants(accountId);

    expect(await introspect(tokens.accessToken)).toEqual({ active: false });
    expect(await refresh(tokens.refreshToken)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await introspect((await authorize()).accessToken)).toMatchObject({ active: true });
  });

  test('offline, connections are refused; online again, nothing is forgotten', async () => {
    const tokens = await authorize();
    onTestFinished(server.control.goOnline);
    await server.control.goOffline();
    await expect(refresh(tokens.refreshToken)).rejects.toThrow('fetch failed');
    await server.control.goOnline();
    expect((await refresh(tokens.refreshToken)).status).toBe(200);
  });
});

describe('interceptions of the token endpoint', () => {
  test('a request held before processing leaves the refresh token good', async () => {
    const tokens = await authorize();
    const held = server.control.interceptTokenRequests({ do: 'hold-before-processing' }, { accountId });
    const first = refresh(tokens.refreshToken);
    await held.reached();

    const overtaking = await refresh(tokens.refreshToken);
    expect(overtaking.status).toBe(200);
    held.release();
    expect(await first).toMatchObject({ error: 'invalid_grant' });
    expect(held.hits()).toBe(1);
  });

  test('a request held after processing spends the refresh token without an answer', async () => {
    const tokens = await authorize();
    const held = server.control.interceptTokenRequests({ do: 'hold-after-processing' }, { accountId });
    const first = refresh(tokens.refreshToken);
    await held.reached();

    expect(server.stats.tokenGrants('refresh_token', { accountId }).succeeded).toBe(1);
    expect(await refresh(tokens.refreshToken)).toMatchObject({ error: 'invalid_grant' });
    held.release();
    expect((await first).status).toBe(200);
  });

  test.each([
    ['before', 200],
    ['after', 400],
  ] as const)('a request dropped %s processing gets %i when it is repeated', async (moment, status) => {
    const tokens = await authorize();
    server.control.interceptTokenRequests({ do: `drop-${moment}-processing` }, { accountId });

    await expect(refresh(tokens.refreshToken)).rejects.toThrow();
    expect((await refresh(tokens.refreshToken)).status).toBe(status);
  });

  test.each([
    ['before', 200],
    ['after', 400],
  ] as const)(
    'a request answered in its place %s processing gets %i when it is repeated',
    async (moment, status) => {
      const tokens = await authorize();
      const headers = { 'retry-after': '7' };
      server.control.interceptTokenRequests(
        { do: `answer-${moment}-processing`, status: 503, headers, body: { error: 'busy' } },
        { accountId },
      );

      expect(await refresh(tokens.refreshToken)).toMatchObject({ status: 503, error: 'busy' });
      expect((await refresh(tokens.refreshToken)).status).toBe(status);
    },
  );

  test('an interception takes so many requests, of its grant type and account only', async () => {
    const tokens = await authorize();
    const interception = server.control.interceptTokenRequests(
      { do: 'answer-before-processing', status: 500 },
      { accountId, times: 2 },
    );
    await authorize();
    expect(interception.hits()).toBe(0);

    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await refresh(tokens.refreshToken)).status);
    expect(statuses).toEqual([500, 500, 200]);
    expect(server.stats.tokenRequests({ accountId, outcome: 'intercepted' })).toHaveLength(2);
    expect(server.stats.tokenGrants('refresh_token', { accountId })).toEqual({ succeeded: 1, failed: 0 });
  });

  test('a delayed request is processed after all', async () => {
    const tokens = await authorize();
    const delayed = server.control.interceptTokenRequests({ do: 'delay', ms: 30 }, { accountId });
    expect((await refresh(tokens.refreshToken)).status).toBe(200);
    expect(delayed.hits()).toBe(1);
  });

  test('stopping releases what is held', async () => {
    const other = await startAuthorizationServer();
    const held = other.control.interceptTokenRequests({ do: 'hold-before-processing' }, { grantType: 'any' });
    const request = fetch(other.tokenEndpoint, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
    const outcome = request.then(
      () => 'answered',
      () => 'cut',
    );
    await held.reached();
    await other.stop();
    expect(await outcome).toMatch(/answered|cut/);
  });
});

test('resources that are not known are refused', async () => {
  const strict = await startAuthorizationServer({ resources: ['http://127.0.0.1:9/other'] });
  onTestFinished(strict.stop);
  const { clientId } = await strict.registerClient({ redirectUris: [REDIRECT_URI] });
  const authorization = { issuer: strict.issuer, clientId, redirectUri: REDIRECT_URI, accountId };

  await expect(authorizeHeadlessly({ ...authorization, resource: RESOURCE })).rejects.toMatchObject({
    error: 'invalid_target',
  });
});

test('two hundred users authorize at once, each with tokens of their own', async () => {
  const users = Array.from({ length: 200 }, (_, i) => `busy-${i}`);
  const grants = await Promise.all(
    users.map((user) =>
      authorizeHeadlessly({ ...client, issuer: server.issuer, redirectUri: REDIRECT_URI, accountId: user }),
    ),
  );
  const answers = await Promise.all(grants.map(({ accessToken }) => introspect(accessToken)));
  expect(answers.map(({ sub }) => sub)).toEqual(users);
});
