import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type AuthorizationRequest, buildAuthorizationUrl } from '../../src/oauth/authorization-request.ts';

const VERIFIER = 'v'.repeat(43);

async function parametersOf(request: Partial<AuthorizationRequest> = {}) {
  const url = await buildAuthorizationUrl({
    metadata: { authorizationEndpoint: 'https://as.example/authorize' },
    clientId: 'me',
    redirectUri: 'https://latchkey.example/oauth/callback',
    state: 's1',
    codeVerifier: VERIFIER,
    ...request,
  });
  return { url, parameters: Object.fromEntries(url.searchParams) };
}

test('has PKCE S256 and what RFC 6749 requires, and nothing more', async () => {
  const { url, parameters } = await parametersOf();

  expect(url.origin + url.pathname).toBe('https://as.example/authorize');
  expect(parameters).toEqual({
    response_type: 'code',
    client_id: 'me',
    redirect_uri: 'https://latchkey.example/oauth/callback',
    state: 's1',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
  });
  expect(url.href).not.toContain(VERIFIER);
});

test.each(['https://mcp.example', 'https://mcp.example/', 'https://mcp.example/a%2Fb?x=%20', 'api://app-id'])(
  'repeats the resource %s byte for byte',
  async (resource) => {
    expect((await parametersOf({ resource })).parameters.resource).toBe(resource);
  },
);

test('keeps the query of the endpoint', async () => {
  const metadata = { authorizationEndpoint: 'https://as.example/authorize?tenant=a%20b' };

  expect((await parametersOf({ metadata })).parameters).toMatchObject({ tenant: 'a b', client_id: 'me' });
});

test("sends the registration's parameters, as Google needs `access_type` for a refresh token", async () => {
  const extra = { access_type: 'offline', prompt: 'select_account consent' };

  expect((await parametersOf({ extra })).parameters).toMatchObject(extra);
});

test("never lets them replace the protocol's own", async () => {
  const extra = { state: 'x', redirect_uri: 'https://evil.example', code_challenge: 'x', scope: 'x' };

  const { url, parameters } = await parametersOf({ extra, scope: 'a b' });

  expect(parameters).toMatchObject({ state: 's1', scope: 'a b' });
  expect(url.href).not.toContain('evil');
});

test('has a hint who signs in, if there is one', async () => {
  expect((await parametersOf({ loginHint: 'zoë@a.example' })).parameters.login_hint).toBe('zoë@a.example');
});

test.each([
  ['openid', true],
  ['files openid', true],
  ['files', false],
  ['openid2', false],
  [undefined, false],
])('with the scope %s has a nonce: %s', async (scope, has) => {
  const { parameters } = await parametersOf({ nonce: 'n1', ...(scope !== undefined && { scope }) });

  expect(parameters.nonce).toBe(has ? 'n1' : undefined);
});

test('asks for consent with offline_access, which a server ignores otherwise', async () => {
  expect((await parametersOf({ scope: 'files offline_access' })).parameters.prompt).toBe('consent');
  const extra = { prompt: 'login consent' };
  const scope = 'offline_access';
  expect((await parametersOf({ scope, extra })).parameters.prompt).toBe('login consent');
});

test('leaves an empty scope out', async () => {
  expect((await parametersOf({ scope: '' })).parameters).not.toHaveProperty('scope');
});
