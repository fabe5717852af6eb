import { test as base, describe, expect } from 'vitest';
import { startAuthorizationServer } from '../../../src/dev/embedded/authorization-server.ts';
import { followAuthorization } from '../../../src/dev/embedded/authorize-headlessly.ts';
import { createOidcSignIn } from '../../../src/web/oidc/oidc-sign-in.ts';
import { type BrowserClient, createBrowserClient } from '../../http/browser-client.ts';
import { createHttpFixture, PUBLIC_URL } from '../../http/http-fixture.ts';
import { closedAfter } from '../../support/closed-after.ts';

const CALLBACK = `${PUBLIC_URL}/sign-in/callback`;
const CLIENT = { clientId: 'latchkey-web', clientSecret: 'client-secret-of-the-web-page' };

async function createOidcFixture() {
  const provider = await startAuthorizationServer();
  await provider.registerClient({ ...CLIENT, redirectUris: [CALLBACK] });
  const http = await createHttpFixture({
    http: { signInsPerMinute: 1_000 },
    web: (services) => ({
      signIn: {
        kind: 'oidc',
        oidc: createOidcSignIn(services, {
          ...CLIENT,
          issuer: provider.issuer,
          scopes: 'openid',
          userClaim: 'sub',
          admin: undefined,
          publicUrl: PUBLIC_URL,
        }),
      },
    }),
  });
  return {
    ...http,
    provider,
    async close() {
      await http.close();
      await provider.stop();
    },
  };
}

const test = base
  .extend(
    'fixture',
    { scope: 'file' },
    closedAfter(createOidcFixture, (fixture) => fixture.close()),
  )
  .extend('browser', ({ fixture }) => createBrowserClient(fixture.app, PUBLIC_URL))
  .extend('other', ({ fixture }) => createBrowserClient(fixture.app, PUBLIC_URL));

/** Presses "Sign in"; returns the address at the provider. */
async function leave(browser: BrowserClient, page = '/sign-in'): Promise<URL> {
  const answer = await browser.fillIn(page, '/sign-in');
  expect(answer.statusCode).toBe(303);
  return new URL(answer.headers.location ?? '');
}

/** Signs in at the provider; returns the path of the callback, which no browser has opened yet. */
async function signInThere(address: URL, account: string): Promise<string> {
  const callback = await followAuthorization(address, CALLBACK, account);
  return callback.href.slice(PUBLIC_URL.length);
}

const userOf = async (browser: BrowserClient) =>
  /<span class="user" dir="auto">([^<]*)</.exec((await browser.open('/')).body)?.[1];

const edit = (address: URL, name: string, value: string) => {
  const edited = new URL(address);
  edited.searchParams.set(name, value);
  return edited;
};

describe('sign-in by OpenID Connect', () => {
  test('leaves for the provider with PKCE, state and nonce, and comes back as its user', async ({
    browser,
    fixture,
  }) => {
    const page = await browser.open('/sign-in');
    expect(page.body).toContain('<button type="submit">Sign in</button>');
    expect(page.headers['content-security-policy']).toContain("form-action 'self' https: http:;");
    const address = await leave(browser, '/sign-in?returnTo=%2Fconnect%2Fnotes%3Fstep%3Ds1');
    expect(`${address.origin}${address.pathname}`).toBe(fixture.provider.authorizationEndpoint);
    expect(Object.fromEntries(address.searchParams)).toEqual({
      client_id: CLIENT.clientId,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: CALLBACK,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    const answer = await browser.open(await signInThere(address, 'alice'));
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(`${PUBLIC_URL}/connect/notes?step=s1`);
    expect(await userOf(browser)).toBe('alice');
    expect((await browser.call('DELETE', '/mcp-servers/none')).statusCode).toBe(403);
  });

  test('ends the session of before (session fixation)', async ({ browser, fixture }) => {
    const planted = await fixture.deps.web.sessions.begin({ userId: 'mallory', isAdmin: false });
    const address = await leave(browser);
    browser.cookies.set('__Host-latchkey-session', planted);
    await browser.open(await signInThere(address, 'alice'));
    expect(browser.cookies.get('__Host-latchkey-session')).not.toBe(planted);
    expect(await fixture.deps.web.sessions.find(planted)).toBeUndefined();
  });

  test('is stored sealed, and leaves no secret in the database or the log', async ({ browser, fixture }) => {
    const address = await leave(browser);
    const { rows } = await fixture.pool.query('SELECT s::text AS row FROM mcp_oidc_sign_in s');
    const state = address.searchParams.get('state') ?? '';
    for (const secret of [state, address.searchParams.get('nonce') ?? '']) {
      expect(JSON.stringify(rows)).not.toContain(secret);
    }
    const callback = await signInThere(address, 'alice');
    await browser.open(callback);
    const code = new URL(`${PUBLIC_URL}${callback}`).searchParams.get('code') ?? '';
    for (const secret of [state, code, CLIENT.clientSecret, ...browser.cookies.values()]) {
      expect(fixture.logged()).not.toContain(secret);
    }
    const left = await fixture.pool.query('SELECT 1 FROM mcp_oidc_sign_in WHERE state_hash = $1', [state]);
    expect(left.rows).toEqual([]);
  });
});

describe('a browser that comes back', () => {
  async function expectRefused(browser: BrowserClient, path: string, status: number, text: string) {
    const answer = await browser.open(path);
    expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(text)]);
    expect(answer.body).toContain('<h1>Not signed in</h1>');
    expect(answer.body).toContain('Try again');
    expect(await userOf(browser)).toBeUndefined();
  }

  test('is not signed in by the answer to another browser (login CSRF)', async ({ browser, other }) => {
    const callback = await signInThere(await leave(other), 'mallory');
    await browser.open('/sign-in');
    await expectRefused(browser, callback, 400, 'began in another browser');
    // The refusal used nothing up: the browser that began it still can.
    await other.open(callback);
    expect(await userOf(other)).toBe('mallory');
  });

  test('is not signed in without cookies', async ({ browser, other }) => {
    await expectRefused(browser, await signInThere(await leave(other), 'alice'), 400, 'must accept cookies');
  });

  test('is not signed in twice by one answer', async ({ browser }) => {
    const callback = await signInThere(await leave(browser), 'alice');
    await browser.open(callback);
    await browser.fillIn('/', '/sign-out');
    await expectRefused(browser, callback, 400, 'finished already');
  });

  test('is not signed in after 10 minutes', async ({ browser, fixture }) => {
    const callback = await signInThere(await leave(browser), 'alice');
    await fixture.pool.query("UPDATE mcp_oidc_sign_in SET created_at = now() - interval '10 minutes'");
    await expectRefused(browser, callback, 400, 'longer than 10 minutes');
  });

  test.for(['', '?state=', '?code=x', '?state=forged&code=x', '?state=a&state=b', '?error=access_denied'])(
    'is not signed in by a forged answer: %j',
    async (query, { browser }) => {
      await leave(browser);
      await expectRefused(browser, `/sign-in/callback${query}`, 400, 'another browser');
    },
  );

  test('is not signed in with a code of another sign-in (code injection)', async ({ browser, other }) => {
    const address = await leave(browser);
    const stolen = await signInThere(await leave(other), 'victim');
    const injected = edit(
      new URL(`${PUBLIC_URL}${stolen}`),
      'state',
      address.searchParams.get('state') ?? '',
    );
    await expectRefused(browser, injected.href.slice(PUBLIC_URL.length), 403, 'can’t be accepted');
  });

  test.for(['nonce', 'code_challenge'])(
    'is not signed in where the %s is of another request',
    async (name, { browser }) => {
      const address = edit(await leave(browser), name, 'x'.repeat(43));
      await expectRefused(browser, await signInThere(address, 'alice'), 403, 'can’t be accepted');
    },
  );

  test('is not signed in with the answer of another provider (mix-up)', async ({ browser }) => {
    const callback = new URL(`${PUBLIC_URL}${await signInThere(await leave(browser), 'alice')}`);
    const mixed = edit(callback, 'iss', 'https://evil.example');
    await expectRefused(browser, mixed.href.slice(PUBLIC_URL.length), 403, 'can’t be accepted');
  });

  test('is told that the provider said no', async ({ browser, fixture }) => {
    const address = await leave(browser);
    fixture.provider.control.setDenyConsent(true);
    const callback = await signInThere(address, 'alice');
    fixture.provider.control.setDenyConsent(false);
    expect(callback).toContain('error=access_denied');
    await expectRefused(browser, callback, 403, 'ended the sign-in');
  });

  test('never sees a text of the address', async ({ browser }) => {
    const state = (await leave(browser)).searchParams.get('state') ?? '';
    const hostile = encodeURIComponent('<script>alert(1)</script>');
    const answer = await browser.open(
      `/sign-in/callback?state=${state}&error=${hostile}&error_description=${hostile}`,
    );
    expect(answer.statusCode).toBe(403);
    expect(answer.body).not.toContain('alert(1)');
  });
});

describe('an outage of the provider', () => {
  test('is a page, at the start and at the end, and the next try works', async () => {
    const fixture = await createOidcFixture();
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const { control } = fixture.provider;
    await control.goOffline();
    const start = await browser.fillIn('/sign-in', '/sign-in');
    await control.goOnline();
    const callback = await signInThere(await leave(browser), 'alice');
    await control.goOffline();
    const end = await browser.open(callback);
    await control.goOnline();
    await browser.open(await signInThere(await leave(browser), 'alice'));
    const user = await userOf(browser);
    await fixture.close();
    for (const answer of [start, end]) {
      expect(answer.statusCode).toBe(503);
      expect(answer.headers['retry-after']).toBe('30');
      expect(answer.body).toContain('does not answer at the moment');
    }
    expect(user).toBe('alice');
    expect(fixture.logged()).toContain('the OpenID provider is unavailable');
  });
});
