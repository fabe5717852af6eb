import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpFixture, type HttpFixture } from './http-fixture.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
});
afterAll(() => fixture.close());

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('what is not available yet', () => {
  it.each([
    ['POST', '/connect-sessions', { mcpServerId: 'notes', returnTo: 'https://app.example/' }],
    ['GET', '/events', undefined],
    ['GET', '/', undefined],
    ['GET', '/oauth/callback?code=c&state=s', undefined],
    ['GET', '/oauth/client-metadata.json', undefined],
    ['GET', '/connect/notes', undefined],
  ] as const)('is a 501: %s %s %j', async (method, url, payload) => {
    const answer = await fixture.ask({ method, url, ...(payload && { payload }) });
    expect(answer.statusCode).toBe(501);
    expect(answer.json().code).toBe('not-available');
  });

  it.each([
    ['/connect-sessions', {}],
    ['/connect-sessions', { mcpServerId: 'notes', because: 'x' }],
  ])('is a 400 where the request is none: %s %j', async (url, payload) => {
    expect((await fixture.ask({ method: 'POST', url, payload })).statusCode).toBe(400);
  });
});

describe('the page of a connectUrl', () => {
  it('tells a browser which server it is about, and how it is connected', async () => {
    const answer = await fixture.ask({ url: '/connect/my%20notes?step=s1', user: null, headers: HTML });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('my notes');
    expect(answer.body).toContain('POST /mcp-oauth-credentials');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('runs nothing that its address holds', async () => {
    const id = `<script>alert(1)</script>"'&`;
    const answer = await fixture.ask({
      url: `/connect/${encodeURIComponent(id)}`,
      user: null,
      headers: HTML,
    });
    expect(answer.body).not.toContain('<script');
    expect(answer.body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
  });

  it('is none for an id that is none', async () => {
    expect((await fixture.ask({ url: '/connect/a%00b', user: null, headers: HTML })).statusCode).toBe(400);
  });
});

describe('the documentation', () => {
  it.each(['/docs', '/docs/'])('is a page without a token, with scripts of its own only: %s', async (url) => {
    const answer = await fixture.ask({ url, user: null });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['content-security-policy']).toMatch(/script-src 'self';/);
    expect(answer.headers['content-security-policy']).not.toContain('unsafe');
    expect(answer.body).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(answer.body).not.toMatch(/(src|href)="https?:/);
  });

  it('brings all that its page asks for', async () => {
    const page = await fixture.ask({ url: '/docs/', user: null });
    const parts = [...page.body.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map((match) => `/docs${match[1]}`);
    expect(parts.length).toBeGreaterThan(3);
    for (const url of [...parts, '/docs/json']) {
      expect([url, (await fixture.ask({ url, user: null })).statusCode]).toEqual([url, 200]);
    }
  });
});
