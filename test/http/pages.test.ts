import { describe, expect } from 'vitest';
import { stylesheetPath } from '../../src/web/stylesheet.ts';
import { textOf } from '../support/page-text.ts';
import { httpTest } from './fixtures.ts';
import { createHttpFixture, OAUTH_SERVER, PUBLIC_HOST, registerServer } from './http-fixture.ts';

const test = httpTest.extend(
  'open',
  ({ fixture }) =>
    (url: string, headers: Record<string, string> = HTML) =>
      fixture.app.inject({ url, headers: { host: PUBLIC_HOST, ...headers } }),
);

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('a connect session', () => {
  test.for([
    ['/connect-sessions', {}],
    ['/connect-sessions', { mcpServerId: 'notes', because: 'x' }],
  ] as const)('is a 400 for an invalid request: %s %j', async ([url, payload], { fixture }) => {
    expect((await fixture.ask({ method: 'POST', url, payload })).statusCode).toBe(400);
  });
});

describe('the page of a connectUrl', () => {
  test('tells a person who is not signed in what to do, and that the step goes on by itself', async ({
    fixture,
    open,
  }) => {
    await registerServer(fixture, 'ledger', { ...OAUTH_SERVER, title: 'Ledger & <Co>' });

    const answer = await open('/connect/ledger?step=s1');

    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    // By its id: the title would tell strangers that the server is registered.
    expect(answer.body).toContain('<h1>Connect ledger again</h1>');
    const text = textOf(answer.body);
    expect(text).toContain('has paused');
    expect(text).toContain('Go back to the app that sent you here.');
    expect(text).toContain('The paused work continues');
    expect(text).toContain('server ledger, step s1');
    expect(answer.body).toContain('POST /mcp-oauth-credentials');
  });

  test('names no step where there is none', async ({ fixture, open }) => {
    await registerServer(fixture, 'my notes');
    const answer = await open('/connect/my%20notes');
    expect(textOf(answer.body)).toContain('Connect my notes again');
    expect(textOf(answer.body)).not.toContain(', step');
  });

  test('tells what to do where the server is not known, too', async ({ open }) => {
    const answer = await open('/connect/nobody?step=s1');
    // The same answer as for a registered one: strangers can't find out which servers there are.
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(textOf(answer.body)).toContain('Connect nobody again');
    expect(textOf(answer.body)).toContain('Go back to the app that sent you here');
  });

  test.for(['/connect/my%20notes?step=s1', '/connect/nobody'])('is sound HTML: %s', async (url, { open }) => {
    const { body } = await open(url);
    for (const once of ['<html lang="en">', '<title>', '<main ', '</main>', '<h1>']) {
      expect([once, body.split(once).length - 1]).toEqual([once, 1]);
    }
    const tags = [...body.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)].filter(
      ([tag, , name = '']) => !['meta', 'link'].includes(name) && !tag.endsWith('/>'),
    );
    const opened: string[] = [];
    for (const [, closes, name = ''] of tags) {
      if (closes) expect(opened.pop()).toBe(name);
      else opened.push(name);
    }
    expect(opened).toEqual([]);
    expect(body).not.toMatch(/client-secret|<script(?! src="[\w/]*\/assets\/)|style=/);
  });

  test('runs no script from its URL', async ({ open }) => {
    const id = `<script>alert(1)</script>"'&`;
    const answer = await open(`/connect/${encodeURIComponent(id)}`);
    expect(answer.body).not.toMatch(/<script(?! src="[\w/]*\/assets\/)/);
    expect(answer.body).toContain(`<code>&lt;script>alert(1)&lt;/script>&quot;'&amp;</code>`);
  });

  test.for(['/connect/a%00b', '/connect/ledger?step=a&step=b'])(
    'is one for a broken link: %s',
    async (url, { fixture, open }) => {
      const answer = await open(url);
      expect(answer.statusCode).toBe(400);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.body).toContain('<h1>Not connected</h1>');
      expect(textOf(answer.body)).toContain('This link is not complete');
      const asJson = await fixture.ask({ url, user: null, headers: { accept: 'application/json' } });
      expect(asJson.statusCode).toBe(400);
    },
  );

  test.for([
    [
      '/connect/my%20notes?link=abc',
      'form method="get" action="/mcp/connect/my%20notes"><input type="hidden" name="link" value="abc"/><button',
    ],
    [
      '/connect-sessions/cs-1/outcome',
      'form method="get" action="/mcp/connect-sessions/cs-1/outcome"><button',
    ],
    ['/oauth/callback?state=secret', 'a class="button" href>'],
    [`/oauth/callback/${'A'.repeat(22)}?state=secret`, 'a class="button" href>'],
  ] as const)(
    'is headed "Not connected" where too many requests come, and leads back: %s',
    async ([url, wayBack]) => {
      const busy = await createHttpFixture({ http: { requestsPerMinute: 1 } });
      const request = { url, headers: { host: PUBLIC_HOST, ...HTML } };
      await busy.app.inject(request);
      const answer = await busy.app.inject(request);
      await busy.close();
      expect(answer.statusCode).toBe(429);
      expect(answer.body).toContain('<h1>Not connected</h1>');
      expect(answer.body).toContain(`<${wayBack}`);
      expect(answer.body).toContain('Try again</');
      expect(answer.body).not.toContain('secret');
    },
  );

  test('of a redirect URI that Latchkey does not use is headed "Not connected", too', async ({ open }) => {
    const answer = await open('/oauth/callback/no-issuer-key');
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain('<h1>Not connected</h1>');
    expect(answer.body).not.toContain('Try again');
  });

  test.for(['*/*', 'text/*', 'application/json;q=0.9, */*;q=0.1', 'TEXT/HTML', ''])(
    'is sent where the client takes %j',
    async (accept, { open }) => {
      const answer = await open('/connect/nobody', { accept });
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    },
  );

  test('is sent to a client without an `Accept` header', async ({ open }) => {
    expect((await open('/connect/nobody', {})).headers['content-type']).toBe('text/html; charset=utf-8');
  });
});

describe('a page', () => {
  test.for([
    ['https://latchkey.example', 'no-referrer'],
    ['http://127.0.0.1:3000', 'no-referrer'],
    ['http://localhost:3000', 'no-referrer'],
    ['http://[::1]:3000', 'no-referrer'],
    // Browsers send no `Sec-Fetch-Site` there, and only with this policy the Origin of a form.
    ['http://192.168.1.5:3000', 'same-origin'],
    ['http://localhost.example', 'same-origin'],
  ] as const)('at %s has the referrer policy %s', async ([publicUrl, policy]) => {
    const own = await createHttpFixture({ http: { publicUrl } });
    const page = await own.app.inject({ url: '/sign-in', headers: { host: new URL(publicUrl).host } });
    await own.close();
    expect(page.statusCode).toBe(200);
    expect(page.headers).toMatchObject({ 'referrer-policy': policy, 'cache-control': 'no-store' });
  });
});

describe('the stylesheet', () => {
  test('is kept by browsers for good, because its address changes with it', async ({ fixture }) => {
    const answer = await fixture.ask({ url: stylesheetPath(), user: null });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/css; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('of another version is this one, which is not kept', async ({ fixture }) => {
    const answer = await fixture.ask({ url: '/assets/latchkey-0000.css', user: null });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await fixture.ask({ url: '/assets/secrets.json', user: null })).statusCode).toBe(404);
  });
});

describe('the documentation', () => {
  test.for(['/docs', '/docs/'])(
    'is a page without a token, with scripts of its own only: %s',
    async (url, { fixture }) => {
      const answer = await fixture.ask({ url, user: null });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toContain('text/html');
      expect(answer.headers['content-security-policy']).toMatch(/script-src 'self';/);
      expect(answer.headers['content-security-policy']).not.toContain('unsafe');
      expect(answer.body).not.toMatch(/<script(?![^>]*\bsrc=)/);
      expect(answer.body).not.toMatch(/(src|href)="https?:/);
    },
  );

  test('brings all that its page asks for', async ({ fixture }) => {
    const page = await fixture.ask({ url: '/docs/', user: null });
    const parts = [...page.body.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map((match) => `/docs${match[1]}`);
    expect(parts.length).toBeGreaterThan(3);
    for (const url of [...parts, '/docs/json']) {
      expect([url, (await fixture.ask({ url, user: null })).statusCode]).toEqual([url, 200]);
    }
  });
});
