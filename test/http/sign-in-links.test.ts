import { describe, expect } from 'vitest';
import { createBrowserClient, csrfIn } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, PUBLIC_URL, RETURN_ORIGIN } from './http-fixture.ts';

const test = httpTestWith(() => createHttpFixture({ http: { signInsPerMinute: 1_000 } }))
  .extend('browser', ({ fixture }) => createBrowserClient(fixture.app, PUBLIC_URL))
  .extend('createLink', ({ fixture }) => async (user: string, body: object = {}) => {
    const answer = await fixture.ask({ method: 'POST', url: '/sign-in-links', user, payload: body });
    expect(answer.statusCode).toBe(201);
    const { url, expiresAt } = answer.json();
    return { url, expiresAt, path: url.slice(PUBLIC_URL.length) };
  })
  .extend('userOf', () => async (browser: ReturnType<typeof createBrowserClient>) => {
    const page = await browser.open('/');
    return /<span class="user" dir="auto">([^<]*)</.exec(page.body)?.[1];
  });

describe('a sign-in link', () => {
  test('signs its user in, and leads to the connections', async ({ browser, createLink, userOf }) => {
    const { url, path, expiresAt } = await createLink('alice');
    expect(url).toMatch(/^https:\/\/latchkey\.example\/mcp\/sign-in-links\/[\w-]{43}$/);
    const seconds = (Date.parse(expiresAt) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(61);
    const answer = await browser.open(path);
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(`${PUBLIC_URL}/`);
    expect(await userOf(browser)).toBe('alice');
  });

  test.for([
    ['/connect/notes?step=s1', `${PUBLIC_URL}/connect/notes?step=s1`],
    [`${RETURN_ORIGIN}/done?a=b`, `${RETURN_ORIGIN}/done?a=b`],
  ] as const)('leads to %s', async ([returnTo, location], { browser, createLink }) => {
    const { path } = await createLink('alice', { returnTo });
    expect((await browser.open(path)).headers.location).toBe(location);
  });

  test.for([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'https://app.example@evil.example/',
    'notes',
    '',
  ])('is not created for another site: %j', async (returnTo, { fixture }) => {
    const answer = await fixture.ask({ method: 'POST', url: '/sign-in-links', payload: { returnTo } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ path: 'returnTo', message: expect.any(String) }]);
  });

  test('needs no body, and no unknown field', async ({ fixture }) => {
    expect((await fixture.ask({ method: 'POST', url: '/sign-in-links' })).statusCode).toBe(201);
    const answer = await fixture.ask({ method: 'POST', url: '/sign-in-links', payload: { userId: 'bob' } });
    expect(answer.statusCode).toBe(400);
  });

  test('works once', async ({ browser, createLink, fixture, userOf }) => {
    const { path } = await createLink('alice');
    await browser.open(path);
    const other = createBrowserClient(fixture.app, PUBLIC_URL);
    const again = await other.open(path);
    expect(again.statusCode).toBe(404);
    expect(again.body).toContain('<h1>Not signed in</h1>');
    expect(await userOf(other)).toBeUndefined();
  });

  test('works for one of two browsers at once', async ({ createLink, fixture }) => {
    const { path } = await createLink('alice');
    const browsers = [1, 2, 3, 4].map(() => createBrowserClient(fixture.app, PUBLIC_URL));
    const answers = await Promise.all(browsers.map((one) => one.open(path)));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([303, 404, 404, 404]);
  });

  test('works for 60 seconds', async ({ browser, createLink, fixture }) => {
    const age = (interval: string) =>
      fixture.pool.query(`UPDATE mcp_sign_in_link SET created_at = now() - interval '${interval}'`);
    const early = await createLink('alice');
    await age('58 seconds');
    expect((await browser.open(early.path)).statusCode).toBe(303);
    const late = await createLink('alice');
    await age('60 seconds');
    const answer = await browser.open(late.path);
    expect(answer.statusCode).toBe(404);
    expect(answer.body).toContain('within 60 seconds');
  });

  test.for(['x', 'a'.repeat(43), '%00', '..%2f'])(
    'that is forged does not sign in: %s',
    async (token, { browser, userOf }) => {
      const answer = await browser.open(`/sign-in-links/${token}`);
      expect(answer.statusCode).toBe(404);
      expect(await userOf(browser)).toBeUndefined();
    },
  );

  test('is not used up by a HEAD request', async ({ browser, createLink, fixture }) => {
    const { path } = await createLink('alice');
    await fixture.app.inject({ method: 'HEAD', url: path, headers: { host: 'latchkey.example' } });
    expect((await browser.open(path)).statusCode).toBe(303);
  });

  test('is stored only as a hash', async ({ createLink, fixture }) => {
    const { path } = await createLink('hash');
    const { rows } = await fixture.pool.query(
      "SELECT l::text AS row FROM mcp_sign_in_link l WHERE user_id = 'hash'",
    );
    const token = path.slice('/sign-in-links/'.length);
    expect(rows).toHaveLength(1);
    expect(rows[0].row).not.toContain(token);
    expect(rows[0].row).not.toContain(Buffer.from(token).toString('hex'));
    expect(fixture.logged()).not.toContain(token);
  });

  test('gives no admin rights, and takes none from the same user', async ({
    browser,
    createLink,
    fixture,
  }) => {
    const isAdmin = async () => (await browser.call('DELETE', '/mcp-servers/none')).statusCode !== 403;
    await browser.open((await createLink('root')).path);
    expect(await isAdmin()).toBe(false);
    const session = await fixture.deps.web.sessions.begin({ userId: 'root', isAdmin: true });
    browser.cookies.set('__Host-latchkey-session', session);
    await browser.open((await createLink('root')).path);
    expect(browser.cookies.get('__Host-latchkey-session')).not.toBe(session);
    expect(await isAdmin()).toBe(true);
  });

  test('is not created by a session, which could prolong itself', async ({ browser, createLink }) => {
    await browser.open((await createLink('alice')).path);
    const answer = await browser.call('POST', '/sign-in-links', {});
    expect(answer.statusCode).toBe(401);
  });
});

describe("a link in a browser with another user's session", () => {
  test('asks first, and is not used up by being opened', async ({ browser, createLink, userOf }) => {
    await browser.open((await createLink('alice')).path);
    const { path } = await createLink('<b>bob</b>', { returnTo: `${RETURN_ORIGIN}/done` });
    const page = await browser.open(path);
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('<h1>Sign in as another user?</h1>');
    expect(page.body).toContain('<strong>&lt;b>bob&lt;/b></strong>');
    expect(page.body).toContain('<button type="submit">Sign in</button>');
    expect(page.headers['content-security-policy']).toContain(`form-action 'self' ${RETURN_ORIGIN};`);
    expect(await userOf(browser)).toBe('alice');
    const answer = await browser.submit(path, { csrf: csrfIn(page.body) });
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(`${RETURN_ORIGIN}/done`);
    expect(await userOf(browser)).toBe('&lt;b>bob&lt;/b>');
  });

  test('is not confirmed by another site or another browser', async ({
    browser,
    createLink,
    fixture,
    userOf,
  }) => {
    await browser.open((await createLink('alice')).path);
    const { path } = await createLink('mallory');
    const attacker = createBrowserClient(fixture.app, PUBLIC_URL);
    await attacker.open((await createLink('mallory')).path);
    const csrf = csrfIn((await attacker.open('/')).body);
    expect((await browser.submit(path, { csrf })).statusCode).toBe(403);
    const own = csrfIn((await browser.open(path)).body);
    const forged = await browser.submit(path, { csrf: own }, { origin: 'https://evil.example' });
    expect(forged.statusCode).toBe(403);
    expect(await userOf(browser)).toBe('alice');
  });
});
