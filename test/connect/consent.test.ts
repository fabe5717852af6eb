import { expect } from 'vitest';
import { startAuthorizationServer } from '../../src/dev/embedded/authorization-server.ts';
import { followAuthorization } from '../../src/dev/embedded/authorize-headlessly.ts';
import { startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { closedAfter } from '../support/closed-after.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import { CONNECT_URL, headingOf } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';

const test = connectTest
  .extend(
    'provider',
    { scope: 'file' },
    closedAfter(startAuthorizationServer, (provider) => provider.stop()),
  )
  .extend('mcpServer', { scope: 'file' }, async ({ provider }, { onCleanup }) => {
    const server = await startMcpServer({ auth: { type: 'oauth2', authorizationServer: provider } });
    onCleanup(() => server.stop());
    return server;
  });

const CALLBACK = `${CONNECT_URL}/oauth/callback`;

test("connects a user from the server's URL alone: discovery, registration, consent", async ({
  fixture,
  mcpServer,
  provider,
}) => {
  const mcpServerId = await fixture.register({}, mcpServer.url);
  const link = await fixture.link(mcpServerId);
  const browser = fixture.browser();

  const page = await browser.open(link.url.slice(CONNECT_URL.length));
  expect(headingOf(page)).toBe('Connect The Ledger');
  for (const named of ['The Ledger', new URL(mcpServer.url).host, 'Your account', 'alice']) {
    expect(textOf(page.body)).toContain(named);
  }
  const away = await fixture.press(browser, link.url);
  const back = await followAuthorization(away, CALLBACK, 'alice');
  const end = await fixture.comeBack(browser, back);

  expect(headingOf(end)).toBe('Connected to The Ledger');
  expect(await fixture.status(link)).toEqual({
    connectSessionId: link.connectSessionId,
    mcpServerId,
    account: 'default',
    status: 'connected',
  });
  const stored = await fixture.grant('alice', mcpServerId);
  expect(stored).toMatchObject({
    status: 'connected',
    accessToken: expect.any(String),
    grant: {
      refreshToken: expect.any(String),
      tokenEndpoint: provider.tokenEndpoint,
      issuer: provider.issuer,
      clientId: expect.any(String),
      clientSecret: expect.any(String),
      resource: mcpServer.url,
    },
  });
});
