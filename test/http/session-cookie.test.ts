import { describe, expect } from 'vitest';
import { type BrowserClient, createBrowserClient } from './browser-client.ts';
import { httpTest } from './fixtures.ts';
import { PUBLIC_URL, token } from './http-fixture.ts';

const COOKIE = '__Host-latchkey-session';

const test = httpTest.extend(
  'signedIn',
  ({ fixture }) =>
    async (userId = 'alice', isAdmin = false): Promise<BrowserClient> => {
      const browser = createBrowserClient(fixture.app, PUBLIC_URL);
      browser.cookies.set(COOKIE, await fixture.deps.web.sessions.begin({ userId, isAdmin }));
      return browser;
    },
);

const STEP = { mcpServerId: 'none', tool: 't' };

describe('the session cookie at the API', () => {
  test("is the user's token", async ({ signedIn, fixture }) => {
    const browser = await signedIn();
    const answer = await browser.call('GET', '/mcp-oauth-credentials');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ connections: [] });
    expect((await browser.call('POST', '/steps', STEP)).json().code).toBe('unknown-server');
    expect(fixture.logged()).toContain('"userId":"alice"');
  });

  test('has the admin rights of its session', async ({ signedIn }) => {
    const remove = (browser: BrowserClient) => browser.call('DELETE', '/mcp-servers/none');
    expect((await remove(await signedIn('root', true))).statusCode).not.toBe(403);
    expect((await remove(await signedIn('root', false))).statusCode).toBe(403);
  });

  test.for(['x', 'a'.repeat(43), ''])(
    'is refused like no token where it is worth nothing: %j',
    async (value, { fixture }) => {
      const browser = createBrowserClient(fixture.app, PUBLIC_URL);
      browser.cookies.set(COOKIE, value);
      const answer = await browser.call('GET', '/steps');
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    },
  );

  test('is refused when the session has ended', async ({ signedIn, fixture }) => {
    const browser = await signedIn('idle');
    await fixture.pool.query(
      "UPDATE mcp_web_session SET last_used_at = now() - interval '12 hours' WHERE user_id = 'idle'",
    );
    expect((await browser.call('GET', '/steps')).statusCode).toBe(401);
  });

  test('is not kept alive by the events of a page that is left open', async ({ signedIn, fixture }) => {
    const browser = await signedIn('left-open');
    const idle = "last_used_at < now() - interval '10 hours'";
    await fixture.pool.query(
      "UPDATE mcp_web_session SET last_used_at = now() - interval '11 hours' WHERE user_id = 'left-open'",
    );
    const isIdle = async () =>
      (await fixture.pool.query(`SELECT FROM mcp_web_session WHERE user_id = 'left-open' AND ${idle}`))
        .rowCount;
    expect((await browser.call('GET', '/events')).statusCode).toBe(200);
    expect(await isIdle()).toBe(1);
    expect((await browser.call('GET', '/mcp-oauth-credentials')).statusCode).toBe(200);
    expect(await isIdle()).toBe(0);
  });

  test('is not looked at beside a token, valid or not', async ({ signedIn }) => {
    const browser = await signedIn('root', true);
    const bearer = { authorization: `Bearer ${await token({ sub: 'bob' })}` };
    expect((await browser.call('DELETE', '/mcp-servers/none', undefined, bearer)).statusCode).toBe(403);
    const answer = await browser.call('GET', '/steps', undefined, { authorization: 'Bearer x' });
    expect(answer.statusCode).toBe(401);
  });

  test.for([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: '' }],
    [{ origin: 'https://app.example' }],
    [{ origin: 'https://latchkey.example', 'sec-fetch-site': 'same-site' }],
    [{ origin: 'https://latchkey.example', 'sec-fetch-site': 'cross-site' }],
  ])('does nothing for another site: %j', async ([headers], { signedIn }) => {
    const answer = await (await signedIn()).call('POST', '/steps', STEP, headers);
    expect(answer.statusCode).toBe(403);
    expect(answer.json().code).toBe('forbidden');
  });

  test('needs an Origin for everything that changes something', async ({ signedIn, fixture }) => {
    const browser = await signedIn();
    const cookie = `${COOKIE}=${browser.cookies.get(COOKIE)}`;
    for (const [method, url] of [
      ['POST', '/steps'],
      ['DELETE', '/steps/s1'],
      ['PUT', '/mcp-servers/x'],
    ] as const) {
      const headers = { host: 'latchkey.example', cookie };
      const answer = await fixture.app.inject({ method, url, headers, payload: {} });
      expect([method, answer.statusCode]).toEqual([method, 403]);
    }
  });

  test.for([
    ['same-origin', 200],
    ['none', 200],
    ['same-site', 403],
    ['cross-site', 403],
  ] as const)('reads for a page at %s: %i', async ([site, status], { signedIn }) => {
    const answer = await (await signedIn()).call('GET', '/steps', undefined, { 'sec-fetch-site': site });
    expect(answer.statusCode).toBe(status);
  });

  test('is refused at another host (DNS rebinding)', async ({ signedIn }) => {
    const answer = await (await signedIn()).call('GET', '/steps', undefined, { host: 'evil.example' });
    expect(answer.statusCode).toBe(421);
  });

  test('does not open the codec endpoint, which pages of other origins may call', async ({ signedIn }) => {
    const answer = await (await signedIn()).call('POST', '/codec/decode', { payloads: [] });
    expect(answer.statusCode).toBe(401);
  });
});
