import { test as base, describe, expect } from 'vitest';
import { userOfClaims } from '../../../src/web/oidc/claims.ts';
import { createOidcSignIn } from '../../../src/web/oidc/oidc-sign-in.ts';
import { createBrowserClient } from '../../http/browser-client.ts';
import { createHttpFixture, PUBLIC_URL } from '../../http/http-fixture.ts';
import { closedAfter } from '../../support/closed-after.ts';
import { startScriptedProvider } from './scripted-provider.ts';

const SETTINGS = {
  clientId: 'web',
  clientSecret: undefined,
  scopes: 'openid email',
  userClaim: 'https://app.example/user',
  admin: { claim: 'groups', value: 'latchkey-admins' },
  publicUrl: PUBLIC_URL,
};

async function createScriptedFixture() {
  const provider = await startScriptedProvider(SETTINGS.clientId);
  const http = await createHttpFixture({
    http: { signInsPerMinute: 1_000 },
    web: (services) => ({
      signIn: { kind: 'oidc', oidc: createOidcSignIn(services, { ...SETTINGS, issuer: provider.issuer }) },
    }),
  });
  return {
    ...http,
    provider,
    async close() {
      await http.close();
      await provider.close();
    },
  };
}

const test = base
  .extend(
    'fixture',
    { scope: 'file' },
    closedAfter(createScriptedFixture, (fixture) => fixture.close()),
  )
  .extend('signIn', ({ fixture }) => async (idToken: Record<string, unknown>) => {
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const left = await browser.fillIn('/sign-in', '/sign-in');
    const { searchParams } = new URL(left.headers.location ?? '');
    fixture.provider.idToken = { sub: 's-1', nonce: searchParams.get('nonce'), ...idToken };
    const answer = await browser.open(`/sign-in/callback?code=c&state=${searchParams.get('state')}`);
    const user = /<span class="user" dir="auto">([^<]*)</.exec((await browser.open('/')).body)?.[1];
    const isAdmin = ![401, 403].includes((await browser.call('DELETE', '/mcp-servers/none')).statusCode);
    return { status: answer.statusCode, user, isAdmin };
  });

const USER = SETTINGS.userClaim;

describe('the user of a sign-in', () => {
  test('is the configured claim, and an admin by the configured value', async ({ signIn }) => {
    expect(await signIn({ [USER]: 'alice', groups: ['a', 'latchkey-admins'] })).toMatchObject({
      user: 'alice',
      isAdmin: true,
    });
    expect(await signIn({ [USER]: 42, groups: [] })).toMatchObject({ user: '42', isAdmin: false });
  });

  test.for([
    [undefined],
    [''],
    ['a\nb'],
    ['x'.repeat(256)],
    [1.5],
    [null],
    [['alice']],
    [{ id: 'alice' }],
    [true],
  ])('is refused where the claim is no user id: %j', async ([claim], { signIn }) => {
    const outcome = await signIn(claim === undefined ? {} : { [USER]: claim });
    expect(outcome).toMatchObject({ status: 403, user: undefined });
  });

  test.for([
    ['another issuer', { iss: 'https://evil.example' }],
    ['another client', { aud: 'other' }],
    ['another time', { exp: 1 }],
    ['another request', { nonce: 'x' }],
  ] as const)('is refused with an id token of %s', async ([, claims], { signIn }) => {
    expect(await signIn({ [USER]: 'alice', ...claims })).toMatchObject({ status: 403, user: undefined });
  });

  test.for([
    ['latchkey-admins', true],
    [['x', 'latchkey-admins'], true],
    ['latchkey-admins-2', false],
    ['x latchkey-admins', false],
    [['x'], false],
    [[['latchkey-admins']], false],
    [{ 'latchkey-admins': true }, false],
    [null, false],
    [undefined, false],
  ] as const)('with the claim %j is an admin: %j', ([groups, isAdmin]) => {
    expect(userOfClaims({ [USER]: 'alice', groups }, SETTINGS)).toEqual({ userId: 'alice', isAdmin });
  });

  test('is no admin where no claim is configured or the value only looks like it', () => {
    expect(userOfClaims({ sub: 'a' }, { userClaim: 'sub', admin: undefined })).toEqual({
      userId: 'a',
      isAdmin: false,
    });
    const admin = { claim: 'toString', value: 'undefined' };
    expect(userOfClaims({ sub: 'a' }, { userClaim: 'sub', admin })).toMatchObject({ isAdmin: false });
  });
});

describe('a provider with a userinfo endpoint', () => {
  test('is asked for the claims that the id token lacks, about the same subject', async () => {
    const fixture = await createScriptedFixture();
    fixture.provider.userinfo = { sub: 's-1', [USER]: 'carol', groups: 'latchkey-admins' };
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const signIn = async () => {
      const left = await browser.fillIn('/sign-in', '/sign-in');
      const { searchParams } = new URL(left.headers.location ?? '');
      fixture.provider.idToken = { sub: 's-1', nonce: searchParams.get('nonce') };
      return browser.open(`/sign-in/callback?code=c&state=${searchParams.get('state')}`);
    };
    await signIn();
    const page = await browser.open('/');
    await browser.fillIn('/', '/sign-out');
    fixture.provider.userinfo = { sub: 's-2', [USER]: 'mallory' };
    const other = await signIn();
    await fixture.close();
    expect(page.body).toContain('<span class="user" dir="auto">carol</span>');
    expect(other.statusCode).toBe(403);
    expect(fixture.logged()).not.toContain('at-of-the-provider');
  });
});

describe('a provider that misbehaves', () => {
  test.for([
    [{ status: 500, body: {} }, 503],
    [{ status: 503, body: { error: 'temporarily_unavailable' } }, 503],
    [{ status: 400, body: { error: 'invalid_grant', error_description: 'secret-hint' } }, 403],
    [{ status: 200, body: { access_token: 'a', token_type: 'bearer' } }, 403],
    [{ status: 200, body: {} }, 403],
  ] as const)('at the token endpoint: %j', async ([tokenFailure, status], { fixture, signIn }) => {
    fixture.provider.tokenFailure = tokenFailure;
    const outcome = await signIn({ [USER]: 'alice' });
    fixture.provider.tokenFailure = undefined;
    expect(outcome).toMatchObject({ status, user: undefined });
    expect(fixture.logged()).not.toContain('secret-hint');
  });

  test.for(['token_endpoint', 'userinfo_endpoint'])(
    'by naming a %s inside the network is not asked there (SSRF)',
    async (endpoint) => {
      const fixture = await createScriptedFixture();
      fixture.provider.metadata = { [endpoint]: 'http://169.254.169.254/latest' };
      const browser = createBrowserClient(fixture.app, PUBLIC_URL);
      const left = await browser.fillIn('/sign-in', '/sign-in');
      const { searchParams } = new URL(left.headers.location ?? '');
      fixture.provider.idToken = { sub: 's-1', nonce: searchParams.get('nonce') };
      const answer = await browser.open(`/sign-in/callback?code=c&state=${searchParams.get('state')}`);
      await fixture.close();
      expect(answer.statusCode).toBe(503);
      expect(fixture.logged()).toContain('address-refused');
    },
  );

  test('by naming another issuer is not used', async () => {
    const fixture = await createScriptedFixture();
    fixture.provider.metadata = { issuer: 'https://evil.example' };
    const answer = await createBrowserClient(fixture.app, PUBLIC_URL).fillIn('/sign-in', '/sign-in');
    await fixture.close();
    expect(answer.statusCode).toBe(503);
  });
});
