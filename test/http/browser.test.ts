import { randomBytes } from 'node:crypto';
import { test as base, describe, expect } from 'vitest';
import { csrfKeys } from '../../src/web/csrf-token.ts';
import { closedAfter } from '../support/closed-after.ts';
import { createBrowserClient, csrfIn } from './browser-client.ts';
import { createBrowserFixture } from './browser-fixture.tsx';

const PUBLIC_URL = 'https://latchkey.example/mcp';
const OLD_KEY = { kid: 'old', bytes: randomBytes(32) };
const NEW_KEY = { kid: 'new', bytes: randomBytes(32) };

const test = base
  .extend(
    'fixture',
    { scope: 'file' },
    closedAfter(
      () => createBrowserFixture(PUBLIC_URL, csrfKeys([NEW_KEY, OLD_KEY])),
      (fixture) => fixture.close(),
    ),
  )
  .extend('browser', ({ fixture }) => createBrowserClient(fixture.app, PUBLIC_URL))
  .extend('other', ({ fixture }) => createBrowserClient(fixture.app, PUBLIC_URL));

const setCookies = (answer: { headers: Record<string, unknown> }) =>
  [answer.headers['set-cookie'] ?? []].flat() as string[]; // The cast is safe: the header holds texts.

describe('the cookies', () => {
  test('on https have the prefix __Host-, and are Secure, HttpOnly and SameSite=Lax', async ({ browser }) => {
    const page = setCookies(await browser.open('/plain'));
    const session = setCookies(await browser.open('/in?user=alice'));
    expect(page).toEqual([expect.stringMatching(/^__Host-latchkey-browser=[\w-]{43};/)]);
    expect(session).toEqual([expect.stringMatching(/^__Host-latchkey-session=[\w-]{43};/)]);
    for (const cookie of [...page, ...session]) {
      expect(cookie.split('; ').slice(1).sort()).toEqual([
        'HttpOnly',
        'Max-Age=604800',
        'Path=/',
        'SameSite=Lax',
        'Secure',
      ]);
    }
  });

  test('on http have neither the prefix nor Secure, so that browsers take them', async () => {
    const publicUrl = 'http://127.0.0.1:3000';
    const { app, close } = await createBrowserFixture(publicUrl);
    const answer = await createBrowserClient(app, publicUrl).open('/in?user=alice');
    await close();
    expect(setCookies(answer)).toEqual([
      expect.stringMatching(/^latchkey-session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  test('are set once, and identify the browser', async ({ browser, other }) => {
    await browser.open('/plain');
    const again = await browser.open('/plain');
    expect(setCookies(again)).toEqual([]);
    await other.open('/plain');
    const hashes = [await browser.open('/who'), await browser.open('/who'), await other.open('/who')].map(
      (answer) => answer.json().browserHash,
    );
    expect(hashes[0]).toMatch(/^[\w-]{43}$/);
    expect([...browser.cookies.values()]).not.toContain(hashes[0]);
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  test.for(['x', '', `${'a'.repeat(42)}.`, 'a'.repeat(44)])(
    'count as missing where they have another form: %j',
    async (value, { browser }) => {
      browser.cookies.set('__Host-latchkey-browser', value).set('__Host-latchkey-session', value);
      expect((await browser.open('/who')).json()).toEqual({});
    },
  );
});

describe('a session', () => {
  test('is the user that signed in, until the browser signs out', async ({ browser, fixture }) => {
    expect((await browser.open('/who')).json().session).toBeUndefined();
    await browser.open('/in?user=eve');
    expect((await browser.open('/who')).json().session).toEqual({ userId: 'eve', isAdmin: false });
    const stolen = browser.cookies.get('__Host-latchkey-session') ?? '';
    await browser.open('/out');
    expect([...browser.cookies.keys()]).not.toContain('__Host-latchkey-session');
    browser.cookies.set('__Host-latchkey-session', stolen);
    expect((await browser.open('/who')).json().session).toBeUndefined();
    const { rows } = await fixture.pool.query("SELECT * FROM mcp_web_session WHERE user_id = 'eve'");
    expect(rows).toEqual([]);
  });

  test('gets a new id at every sign-in, and the earlier id ends', async ({ browser, other }) => {
    await browser.open('/in?user=mallory');
    const planted = browser.cookies.get('__Host-latchkey-session') ?? '';
    await browser.open('/in?user=alice');
    expect(browser.cookies.get('__Host-latchkey-session')).not.toBe(planted);
    other.cookies.set('__Host-latchkey-session', planted);
    expect((await other.open('/who')).json().session).toBeUndefined();
  });

  test('is stored without its id', async ({ browser, fixture }) => {
    await browser.open('/in?user=bob');
    const { rows } = await fixture.pool.query(
      "SELECT s::text AS row FROM mcp_web_session s WHERE user_id = 'bob'",
    );
    const id = browser.cookies.get('__Host-latchkey-session') ?? '';
    expect(rows).toHaveLength(1);
    expect(rows[0].row).not.toContain(id);
    expect(rows[0].row).not.toContain(Buffer.from(id).toString('hex'));
    expect(rows[0].row).not.toContain(Buffer.from(id, 'base64url').toString('hex'));
  });

  test.for([
    ['lives through 11 hours without a use', "last_used_at = now() - interval '11 hours'", true],
    ['ends after 12 hours without a use', "last_used_at = now() - interval '12 hours'", false],
    ['lives through 6 days of use', "created_at = now() - interval '6 days'", true],
    ['ends after 7 days, however much it is used', "created_at = now() - interval '7 days'", false],
  ] as const)('%s', async ([, change, lives], { browser, fixture }) => {
    await browser.open('/in?user=carol');
    await fixture.pool.query(`UPDATE mcp_web_session SET ${change} WHERE user_id = 'carol'`);
    expect((await browser.open('/who')).json().session !== undefined).toBe(lives);
    await browser.open('/out');
    await fixture.pool.query("DELETE FROM mcp_web_session WHERE user_id = 'carol'");
  });

  test('counts a request as a use', async ({ browser, fixture }) => {
    await browser.open('/in?user=dave');
    await fixture.pool.query(
      "UPDATE mcp_web_session SET last_used_at = now() - interval '11 hours' WHERE user_id = 'dave'",
    );
    await browser.open('/who');
    const { rows } = await fixture.pool.query(
      "SELECT now() - last_used_at < interval '1 minute' AS fresh FROM mcp_web_session WHERE user_id = 'dave'",
    );
    expect(rows).toEqual([{ fresh: true }]);
  });

  test('is not kept alive by a page that asks by itself', async ({ browser, fixture }) => {
    await browser.open('/in?user=left-open');
    const age =
      "UPDATE mcp_web_session SET last_used_at = now() - interval '11 hours' WHERE user_id = 'left-open'";
    await fixture.pool.query(age);
    const idleHours = async () => {
      const { rows } = await fixture.pool.query<{ hours: number }>(
        `SELECT round(extract(epoch FROM now() - last_used_at) / 3600)::int AS hours
           FROM mcp_web_session WHERE user_id = 'left-open'`,
      );
      return rows[0]?.hours;
    };
    expect((await browser.open('/who', { 'latchkey-refresh': '1' })).json()).toMatchObject({
      session: { userId: 'left-open' },
    });
    expect(await idleHours()).toBe(11);
    await browser.open('/who');
    expect(await idleHours()).toBe(0);
  });
});

describe('a form', () => {
  test('is accepted from its own page, without the token among its fields', async ({ browser }) => {
    const csrf = csrfIn((await browser.open('/form')).body);
    const answer = await browser.submit('/form', { csrf, name: 'a b+ü&' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ name: 'a b+ü&' });
  });

  test('is refused without a token and with a wrong one, on a page', async ({ browser }) => {
    await browser.open('/form');
    for (const fields of [{}, { csrf: '' }, { csrf: 'x'.repeat(43) }]) {
      const answer = await browser.submit('/form', fields);
      expect(answer.statusCode).toBe(403);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.body).toContain('This form has expired');
    }
  });

  test("is refused with another browser's token", async ({ browser, other }) => {
    await browser.open('/form');
    const csrf = csrfIn((await other.open('/form')).body);
    expect((await browser.submit('/form', { csrf })).statusCode).toBe(403);
  });

  test('is refused from a browser without cookies', async ({ browser, other }) => {
    const csrf = csrfIn((await other.open('/form')).body);
    expect((await browser.submit('/form', { csrf })).statusCode).toBe(403);
  });

  test('from before a sign-in is refused after it, and one from before a sign-out', async ({ browser }) => {
    const before = csrfIn((await browser.open('/form')).body);
    await browser.open('/in?user=alice');
    expect((await browser.submit('/form', { csrf: before })).statusCode).toBe(403);
    const after = csrfIn((await browser.open('/form')).body);
    expect((await browser.submit('/form', { csrf: after })).statusCode).toBe(200);
    await browser.open('/out');
    expect((await browser.submit('/form', { csrf: after })).statusCode).toBe(403);
  });

  test('made under an older key is accepted while the key is configured', async ({ browser, fixture }) => {
    const before = await createBrowserFixture(PUBLIC_URL, csrfKeys([OLD_KEY]));
    const old = createBrowserClient(before.app, PUBLIC_URL);
    const csrf = csrfIn((await old.open('/form')).body);
    await before.close();
    for (const [name, value] of old.cookies) browser.cookies.set(name, value);
    expect((await browser.submit('/form', { csrf })).statusCode).toBe(200);
    const without = await createBrowserFixture(PUBLIC_URL, csrfKeys([NEW_KEY]));
    const after = createBrowserClient(without.app, PUBLIC_URL);
    for (const [name, value] of old.cookies) after.cookies.set(name, value);
    const refused = await after.submit('/form', { csrf });
    await without.close();
    expect(refused.statusCode).toBe(403);
    expect(fixture).toBeDefined();
  });

  test.for([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'https://latchkey.example:8443' }, 403],
    [{ origin: 'http://latchkey.example' }, 403],
    [{ origin: 'https://latchkey.example.evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'null', 'sec-fetch-site': 'none' }, 403],
    [{ origin: 'https://latchkey.example', 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://latchkey.example', 'sec-fetch-site': 'same-origin' }, 200],
    // What a browser sends for a form of a page with `Referrer-Policy: no-referrer`.
    [{ origin: 'null', 'sec-fetch-site': 'same-origin' }, 200],
  ] as const)('with %j is a %i, whatever its token', async ([headers, status], { browser }) => {
    const csrf = csrfIn((await browser.open('/form')).body);
    expect((await browser.submit('/form', { csrf }, headers)).statusCode).toBe(status);
  });

  test.for([
    ['a field twice', 'a=1&a=2', 'application/x-www-form-urlencoded', 400],
    ['JSON', '{"a":1}', 'application/json', 415],
    ['text', 'a=1', 'text/plain', 415],
    ['too much', `a=${'x'.repeat(17_000)}`, 'application/x-www-form-urlencoded', 413],
  ] as const)('is refused as %s', async ([, payload, type, status], { browser }) => {
    const answer = await browser.submit('/form', payload, { 'content-type': type });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  });
});

describe('a page', () => {
  test('escapes texts, and has the landmarks, one language and one stylesheet of this server', async ({
    browser,
  }) => {
    await browser.open(`/in?user=${encodeURIComponent('<script>"')}`);
    const { body } = await browser.open('/plain');
    expect(body).toMatch(/^<!doctype html>\n<html lang="en">/i);
    expect(body.match(/<script\b[^>]*>/g)).toEqual([
      expect.stringMatching(/^<script src="\/mcp\/assets\/latchkey-[\w-]+\.js" defer>$/),
    ]);
    expect(body).toContain('<title>&lt;T> · Latchkey</title>');
    expect(body).toContain('&lt;b>');
    expect(body.match(/<nav\b|<main\b/g)).toEqual(['<nav', '<main']);
    expect(body.match(/<link rel="stylesheet" href="[^"]*"/g)).toEqual([
      expect.stringContaining('"/mcp/assets/latchkey-'),
    ]);
    expect(body).not.toMatch(/style=|(?:src|href|action)="(?:https?:)?\/\//);
  });

  test('is sent with a strict policy and is not stored', async ({ browser }) => {
    const { headers } = await browser.open('/plain');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';style-src 'self';script-src 'self';connect-src 'self';img-src 'self' data:;media-src 'self';form-action 'self';frame-ancestors 'none';base-uri 'none'",
    );
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
  });

  test.for(['evil.example', 'latchkey.example.evil.example', 'latchkey.example:8443', '127.0.0.1', ''])(
    'is only at the host of PUBLIC_URL: %j leads there, and sends no form',
    async (host, { browser }) => {
      const page = await browser.open('/plain?a=b', { host });
      expect(page.statusCode).toBe(302);
      expect(page.headers.location).toBe('https://latchkey.example/mcp/plain?a=b');
      expect(setCookies(page)).toEqual([]);
      const csrf = csrfIn((await browser.open('/form')).body);
      const form = await browser.submit('/form', { csrf }, { host });
      expect(form.statusCode).toBe(421);
    },
  );

  test.for(['LATCHKEY.example', 'latchkey.example:443'])('is also at %s', async (host, { browser }) => {
    expect((await browser.open('/plain', { host })).statusCode).toBe(200);
  });

  test('of a failure says what to do and no details', async ({ browser }) => {
    const answer = await browser.open('/broken');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).toContain('<h1>Something went wrong</h1>');
    expect(answer.body).not.toContain('secret detail');
    const asJson = await browser.open('/broken', { accept: 'application/json' });
    expect(asJson.json()).toMatchObject({ status: 500, code: 'internal' });
  });
});
