import { expect } from 'vitest';
import { createBrowserClient } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, OAUTH_SERVER, PUBLIC_URL, registerServer } from './http-fixture.ts';

/** The users about whose waiting steps Temporal was asked, one by one. */
const asked: string[] = [];

async function createCountingFixture() {
  const fixture = await createHttpFixture({
    deps: {
      listConnections: async (userId) => {
        asked.push(userId);
        return [];
      },
      listTools: async () => ({ kind: 'listed', tools: [] }),
    },
  });
  await registerServer(fixture, 'ledger', OAUTH_SERVER);
  const payload = { mcpServerId: 'ledger', tool: 'create_invoice', stepId: 'shown' };
  await fixture.ask({ method: 'POST', url: '/steps', payload });
  return fixture;
}

const test = httpTestWith(createCountingFixture).extend('browser', async ({ fixture }) => {
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  const session = await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  asked.length = 0;
  return browser;
});

test.for(['/', '/step/shown', '/start', '/start?server=ledger'])(
  '%s does not ask Temporal about every waiting step',
  async (path, { browser }) => {
    expect((await browser.open(path)).statusCode).toBeLessThan(500);
    expect(asked).toEqual([]);
  },
);

test('the page of connections asks for its reader, and not while it is left open', async ({ browser }) => {
  expect((await browser.open('/connections', { 'latchkey-refresh': '1' })).statusCode).toBe(200);
  expect(asked).toEqual([]);
  expect((await browser.open('/connections')).statusCode).toBe(200);
  expect(asked).toEqual(['alice']);
});
