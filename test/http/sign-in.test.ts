import { describe, expect } from 'vitest';
import { textOf } from '../support/page-text.ts';
import { type BrowserClient, createBrowserClient, csrfIn, hiddenFields } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture } from './http-fixture.ts';

const PUBLIC_URL = 'http://127.0.0.1:3000';

const test = httpTestWith(() =>
  createHttpFixture({
    http: { publicUrl: PUBLIC_URL, signInsPerMinute: 1_000 },
    web: { signIn: { kind: 'development', userId: 'dev' } },
  }),
).extend('browser', ({ fixture }) => createBrowserClient(fixture.app, PUBLIC_URL));

const signIn = (browser: BrowserClient, fields = {}, page = '/sign-in') =>
  browser.fillIn(page, '/sign-in', fields);

describe('the sign-in page', () => {
  test('has a heading, and one form with the user of the development server', async ({ browser }) => {
    const page = await browser.open('/sign-in');
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('<h1>Sign in</h1>');
    expect(page.body).toContain('<button type="submit">Sign in</button>');
    expect(hiddenFields(page.body, '/sign-in')).toMatchObject({ user: 'dev', returnTo: '/' });
    expect(page.headers['content-security-policy']).toContain("form-action 'self';");
  });

  test('is where a browser is led that is not signed in, and leads back', async ({ browser }) => {
    const first = await browser.open('/?a=b');
    expect(first.statusCode).toBe(303);
    expect(first.headers.location).toBe(`${PUBLIC_URL}/sign-in?returnTo=%2F%3Fa%3Db`);
    const answer = await signIn(browser, {}, '/sign-in?returnTo=%2F%3Fa%3Db');
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(`${PUBLIC_URL}/?a=b`);
    const page = await browser.open('/connections');
    expect(page.body).toContain('<h1>Connections</h1>');
    expect((await browser.open('/sign-in')).headers.location).toBe(`${PUBLIC_URL}/`);
  });

  test.for(['//evil.example', '/\\evil.example', 'https://evil.example/', '/\t/evil.example', ''])(
    'leads to no other site: %j',
    async (returnTo, { browser }) => {
      const page = await browser.open(`/sign-in?returnTo=${encodeURIComponent(returnTo)}`);
      expect(hiddenFields(page.body, '/sign-in').returnTo).toBe('/');
      const answer = await signIn(browser, { returnTo });
      expect(answer.headers.location).toBe(`${PUBLIC_URL}/`);
      const signedIn = await browser.open(`/sign-in?returnTo=${encodeURIComponent(returnTo)}`);
      expect(signedIn.headers.location).toBe(`${PUBLIC_URL}/`);
    },
  );

  test('ignores a path that is named twice', async ({ browser }) => {
    const page = await browser.open('/sign-in?returnTo=/a&returnTo=/b');
    expect(hiddenFields(page.body, '/sign-in').returnTo).toBe('/');
  });
});

describe('the development sign-in', () => {
  const isAdmin = async (browser: BrowserClient) =>
    (await browser.call('DELETE', '/mcp-servers/none')).statusCode !== 403;

  test('signs in as the user of the token, an admin', async ({ browser }) => {
    await signIn(browser);
    expect((await browser.open('/connections')).body).toContain('<span class="user" dir="auto">dev</span>');
    expect(await isAdmin(browser)).toBe(true);
  });

  test('signs in as any other user, who is no admin', async ({ browser }) => {
    const hostile = `<img src=x onerror="alert(1)">&'`;
    await signIn(browser, { user: hostile });
    const { body } = await browser.open('/connections');
    expect(body).not.toContain('<img');
    expect(body).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;>');
    expect(await isAdmin(browser)).toBe(false);
  });

  test.for(['', 'a\u0000b', 'x'.repeat(256)])(
    'takes no user id that is none: %j',
    async (user, { browser }) => {
      const answer = await signIn(browser, { user });
      expect(answer.statusCode).toBe(400);
      expect((await browser.open('/connections')).statusCode).toBe(303);
    },
  );

  test.for([
    ['from another machine', { remoteAddress: '192.0.2.1' }, {}],
    ['from another machine over IPv6', { remoteAddress: '2001:db8::1' }, {}],
    ['through a proxy on this machine', {}, { 'x-forwarded-for': '192.0.2.1' }],
    ['through a tunnel on this machine', {}, { 'x-forwarded-host': 'tunnel.example' }],
  ] as const)('is neither offered nor done %s', async ([, connection, headers], { fixture }) => {
    const browser = createBrowserClient(fixture.app, PUBLIC_URL, connection);
    const page = await browser.open('/sign-in', headers);
    expect(page.body).toContain('You can’t sign in here by yourself.');
    expect(page.body).not.toContain('action="/sign-in"');
    const local = createBrowserClient(fixture.app, PUBLIC_URL);
    const fields = hiddenFields((await local.open('/sign-in')).body, '/sign-in');
    for (const [name, value] of local.cookies) browser.cookies.set(name, value);
    const answer = await browser.submit('/sign-in', fields, headers);
    expect(answer.statusCode).toBe(403);
    expect(answer.cookies).toEqual([]);
  });

  test.for(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])(
    'takes a peer on this machine: %s',
    async (remoteAddress, { fixture }) => {
      const browser = createBrowserClient(fixture.app, PUBLIC_URL, { remoteAddress });
      expect((await signIn(browser)).statusCode).toBe(303);
    },
  );

  test('is not done where PUBLIC_URL is no address of this machine', async () => {
    const publicUrl = 'https://latchkey.example';
    const fixture = await createHttpFixture({
      http: { publicUrl },
      web: { signIn: { kind: 'development', userId: 'dev' } },
    });
    const browser = createBrowserClient(fixture.app, publicUrl);
    const page = await browser.open('/sign-in');
    const session = await fixture.deps.web.sessions.begin({ userId: 'bob', isAdmin: false });
    browser.cookies.set('__Host-latchkey-session', session);
    const csrf = csrfIn((await browser.open('/connections')).body);
    const answer = await browser.submit('/sign-in', { csrf });
    await fixture.close();
    expect(page.body).not.toContain('action="/sign-in"');
    expect(answer.statusCode).toBe(403);
    expect(answer.body).toContain('only on the machine itself');
  });
});

describe('signing out', () => {
  test('says so, and how to come back where only links sign in', async ({ browser, fixture }) => {
    const page = (await browser.open('/sign-in?said=signed-out')).body;
    expect(page).toContain('You are signed out.');
    expect(page).toContain('action="/sign-in"');
    const elsewhere = createBrowserClient(fixture.app, PUBLIC_URL, { remoteAddress: '192.0.2.1' });
    const links = (await elsewhere.open('/sign-in?said=signed-out')).body;
    expect(links).toContain('<h1>Signed out</h1>');
    expect(textOf(links)).toContain(
      'To come back, open the app that sent you here, and follow its link again',
    );
    expect((await elsewhere.open('/sign-in?said=server-removed')).body).not.toContain('removed');
  });

  test('is a form on every page, ends the session and leads to the sign-in', async ({ browser, fixture }) => {
    await signIn(browser, { user: 'carol' });
    const id = browser.cookies.get('latchkey-session') ?? '';
    const answer = await browser.fillIn('/connections', '/sign-out');
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(`${PUBLIC_URL}/sign-in?said=signed-out`);
    expect(browser.cookies.has('latchkey-session')).toBe(false);
    expect(await fixture.deps.web.sessions.find(id)).toBeUndefined();
    expect((await browser.open('/connections')).statusCode).toBe(303);
  });

  test('is not done for another site', async ({ browser }) => {
    await signIn(browser, { user: 'carol' });
    const csrf = csrfIn((await browser.open('/connections')).body);
    const forged = await browser.submit('/sign-out', { csrf }, { origin: 'https://evil.example' });
    expect(forged.statusCode).toBe(403);
    expect((await browser.submit('/sign-out', {})).statusCode).toBe(403);
    expect((await browser.open('/connections')).statusCode).toBe(200);
  });
});

describe('a sign-in', () => {
  test('that another site sends for its own user (login CSRF) is refused', async ({ browser, fixture }) => {
    const attacker = createBrowserClient(fixture.app, PUBLIC_URL);
    const fields = hiddenFields((await attacker.open('/sign-in')).body, '/sign-in');
    await browser.open('/sign-in');
    const answer = await browser.submit('/sign-in', { ...fields, user: 'mallory' });
    expect(answer.statusCode).toBe(403);
    expect((await browser.open('/connections')).statusCode).toBe(303);
  });

  test('replaces a session that was planted in the browser (session fixation)', async ({
    browser,
    fixture,
  }) => {
    const attacker = createBrowserClient(fixture.app, PUBLIC_URL);
    await signIn(attacker, { user: 'mallory' });
    for (const [name, value] of attacker.cookies) browser.cookies.set(name, value);
    await browser.fillIn('/connections', '/sign-out');
    await signIn(browser, { user: 'alice' });
    expect((await browser.open('/connections')).body).toContain('alice');
    expect((await attacker.open('/connections')).statusCode).toBe(303);
    // The attacker knows the browser cookie, but not the forms of the new session.
    const known = csrfIn((await attacker.open('/sign-in')).body);
    expect((await browser.submit('/sign-out', { csrf: known })).statusCode).toBe(403);
  });

  test('leaves no secret in the log', async ({ browser, fixture }) => {
    await signIn(browser, { user: 'dora' });
    await browser.open('/connections');
    const csrf = csrfIn((await browser.open('/connections')).body);
    for (const secret of [...browser.cookies.values(), csrf]) expect(fixture.logged()).not.toContain(secret);
    expect(fixture.logged()).toContain('"userId":"dora"');
  });
});

describe('a server without a sign-in of its own', () => {
  test('says that links of the app sign in', async () => {
    const fixture = await createHttpFixture({ http: { publicUrl: PUBLIC_URL, signInsPerMinute: 2 } });
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const page = await browser.open('/sign-in');
    const statuses = [];
    for (const csrf of ['a', 'b', 'c'])
      statuses.push((await browser.submit('/sign-in', { csrf })).statusCode);
    await fixture.close();
    expect(page.statusCode).toBe(200);
    expect(textOf(page.body)).toContain('Open the app that sent you here, and follow its link again');
    expect(page.body).not.toContain('<form');
    // The third one is limited: it could guess.
    expect(statuses).toEqual([403, 403, 429]);
  });
});
