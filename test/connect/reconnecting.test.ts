import { describe, expect } from 'vitest';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';
import { answerTo } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import { startScriptedAuthorizationServer } from './scripted-authorization-server.ts';

/** An MCP server that wants a token, and names the authorization server that the test sets. */
async function startProtectedServer(issuer: string) {
  const server = await startLoopbackHttpServer();
  const url = `${server.origin}/mcp`;
  let current = issuer;
  server.http.on('request', (request, response) => {
    request.resume();
    const isMetadata = request.url === '/.well-known/oauth-protected-resource/mcp';
    response.writeHead(isMetadata ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isMetadata ? { resource: url, authorization_servers: [current] } : {}));
  });
  return {
    ...server,
    url,
    moveTo(next: string) {
      current = next;
    },
  };
}

const test = connectTest
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this one depends on.
  .extend('nextServer', async ({}, { onCleanup }) => {
    const next = await startScriptedAuthorizationServer();
    onCleanup(() => next.stop());
    return next;
  })
  .extend('mcpServer', async ({ server }, { onCleanup }) => {
    const started = await startProtectedServer(server.issuer);
    onCleanup(() => started.close());
    return started;
  });

describe('an MCP server that has moved to another authorization server', () => {
  test('sends a user whose connection it has ended there, with a client of its own', async ({
    fixture,
    server,
    nextServer,
    mcpServer,
  }) => {
    const mcpServerId = await fixture.register({}, mcpServer.url);
    const browser = fixture.browser();
    const first = await fixture.press(browser, (await fixture.link(mcpServerId)).url);
    expect(first.origin).toBe(server.issuer);
    await fixture.comeBack(browser, answerTo(first, server));

    mcpServer.moveTo(nextServer.issuer);
    await fixture.pool.query(
      `UPDATE mcp_credential SET status = 'reauth-required', reason = 'token-rejected' WHERE mcp_server_id = $1`,
      [mcpServerId],
    );
    const second = await fixture.press(browser, (await fixture.link(mcpServerId)).url);

    expect(second.origin).toBe(nextServer.issuer);
    expect(nextServer.registrations()).toHaveLength(1);
  });
});
