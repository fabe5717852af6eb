import { describe, expect } from 'vitest';
import { createBrowserClient } from './browser-client.ts';
import { httpTest } from './fixtures.ts';
import { expectProblem, PUBLIC_URL } from './http-fixture.ts';

const test = httpTest.extend('browser', async ({ fixture }) => {
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  const session = await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  return browser;
});

describe('an address that does not exist', () => {
  test('is a page for a browser, with its navigation and a way on', async ({ browser }) => {
    const answer = await browser.open('/nowhere/at/all');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(answer.headers['content-security-policy']).toContain("style-src 'self'");
    expect(answer.body).toContain('There is nothing at this address.');
    expect(answer.body).toContain('alice');
    expect(answer.body).toContain('href="/mcp/">Go to the home page</a>');
  });

  test('tells a stranger nothing but that', async ({ fixture }) => {
    const answer = await createBrowserClient(fixture.app, PUBLIC_URL).open('/nowhere');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(answer.body).not.toContain('Sign out');
  });

  test('shows no user at another host', async ({ browser }) => {
    const answer = await browser.open('/nowhere', { host: 'evil.example' });
    expect(answer.statusCode).toBe(404);
    expect(answer.body).not.toContain('alice');
  });

  test.for(['application/json', '*/*', undefined])(
    'is a problem document for a program that accepts %s',
    async (accept, { fixture }) => {
      const answer = await fixture.app.inject({ url: '/nowhere', headers: accept ? { accept } : {} });
      expect(answer.statusCode).toBe(404);
      expectProblem(answer);
    },
  );
});

describe('a method that an address does not take', () => {
  test('is a page for a browser', async ({ browser }) => {
    const answer = await browser.open('/servers/ledger/pause');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([405, 'text/html; charset=utf-8']);
    expect(answer.headers.allow).toBe('POST');
    expect(answer.body).toContain('This address does not take this method.');
  });

  test('is a problem document for a program', async ({ fixture }) => {
    const answer = await fixture.ask({ method: 'DELETE', url: '/steps' });
    expect(answer.statusCode).toBe(405);
  });
});
