import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkServer } from '../../src/connect/check-server.ts';
import { startAuthorizationServer } from '../../src/dev/embedded/authorization-server.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';
import { startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { NetworkPolicy } from '../../src/net/network.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';
import { hang, httpStatus, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { json, startScriptedAuthorizationServer } from './scripted-authorization-server.ts';

const PUBLIC_URL = 'https://latchkey.example';

interface Options {
  policy?: NetworkPolicy;
  auth?: Parameters<typeof checkServer>[1]['auth'];
  timeoutMs?: number;
}

function check(url: string, { policy = 'development', auth = { type: 'oauth2' }, timeoutMs }: Options = {}) {
  const network = createGuardedFetch({ policy });
  onTestFinished(() => network.close(0));
  const deps = {
    guardedFetch: network.fetch,
    authorizationServers: createAuthorizationServerLookup(network.fetch),
    publicUrl: PUBLIC_URL,
    version: '1.2.3',
  };
  return checkServer(deps, { url, auth }, timeoutMs);
}

async function closed<T extends { stop(): Promise<void> }>(started: Promise<T>): Promise<T> {
  const server = await started;
  onTestFinished(() => server.stop());
  return server;
}

/** A server that challenges every request and names this authorization server. */
async function challengedBy(issuer: string) {
  const server = await startLoopbackHttpServer();
  onTestFinished(() => server.close());
  server.http.on('request', (request, response) => {
    if (!request.url?.startsWith('/.well-known/')) {
      const metadata = `${server.origin}/.well-known/oauth-protected-resource/mcp`;
      response
        .writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}", scope="a b"` })
        .end();
      return;
    }
    const resource = { resource: `${server.origin}/mcp`, authorization_servers: [issuer] };
    json(200, resource)(response, { path: '', headers: {}, body: '', form: new URLSearchParams() });
  });
  return `${server.origin}/mcp`;
}

describe('a check', () => {
  test('of a server with OAuth says how users would connect', async () => {
    const authorizationServer = await closed(startAuthorizationServer());
    const { url } = await closed(startMcpServer({ auth: { type: 'oauth2', authorizationServer } }));
    expect(await check(url)).toEqual({
      kind: 'mcp',
      authorization: {
        kind: 'oauth',
        issuer: authorizationServer.issuer,
        isGuess: false,
        client: expect.stringMatching(/^(document|registration)$/),
        redirectUri: `${PUBLIC_URL}/oauth/callback`,
        scopes: expect.arrayContaining(['mcp:tools']),
      },
    });
    // It asks, and registers nothing.
    expect(authorizationServer.stats.requests('registration')).toBe(0);
  });

  test('of a server without authorization says what it calls itself', async () => {
    const { url } = await closed(startMcpServer({ auth: { type: 'none' } }));
    expect(await check(url)).toEqual({
      kind: 'mcp',
      description: {
        protocolVersion: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        name: 'latchkey-demo',
        version: '1.0.0',
      },
      authorization: { kind: 'open' },
    });
  });

  test('repeats of a server’s own words only a line', async () => {
    const server = await startScriptedMcpServer();
    onTestFinished(() => server.close());
    const name = `<script>\n\u202e${'x'.repeat(500)}`;
    server.on(
      'initialize',
      (response, { id }) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            jsonrpc: '2.0',
            id,
            result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name, version: 7 } },
          }),
        ),
    );
    expect(await check(server.url)).toMatchObject({
      kind: 'mcp',
      description: { protocolVersion: '2025-06-18', name: `<script> ${'x'.repeat(91)}` },
    });
  });

  test.each([
    ['an HTML page', 200, 'text/html', '<html><body>Hello</body></html>'],
    ['another JSON API', 200, 'application/json', '{"hello":1}'],
    ['an error', 404, 'text/plain', 'no such page'],
  ])('of %s says that it is no MCP server', async (_name, status, type, body) => {
    const server = await startLoopbackHttpServer();
    onTestFinished(() => server.close());
    server.http.on('request', (_, response) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    );
    expect(await check(`${server.origin}/mcp`)).toEqual({ kind: 'not-mcp', status });
  });

  test('of an address where nothing listens says so', async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`;
    expect(await check(url)).toEqual({ kind: 'unreachable', cause: 'connect-refused' });
  });

  test('of an address that the policy refuses sends nothing', async () => {
    const server = await startScriptedMcpServer();
    onTestFinished(() => server.close());
    expect(await check(server.url, { policy: 'public' })).toEqual({ kind: 'address-refused' });
    expect(server.connections()).toBe(0);
  });

  test('asks for a client id where the authorization server registers none', async () => {
    const { issuer } = await closed(startScriptedAuthorizationServer({ registration_endpoint: undefined }));
    const url = await challengedBy(issuer);
    const { authorization } = { authorization: undefined, ...(await check(url)) };
    expect(authorization).toEqual({
      kind: 'oauth',
      issuer,
      isGuess: false,
      redirectUri: `${PUBLIC_URL}/oauth/callback`,
      scopes: ['a', 'b'],
    });
    expect(await check(url, { auth: { type: 'oauth2', clientId: 'mine' } })).toMatchObject({
      authorization: { client: 'operator' },
    });
  });

  test('says what users would meet where an authorization server has no PKCE', async () => {
    const changes = { code_challenge_methods_supported: undefined };
    const { issuer } = await closed(startScriptedAuthorizationServer(changes));
    expect(await check(await challengedBy(issuer))).toMatchObject({
      kind: 'mcp',
      authorization: { kind: 'blocked', code: 'pkce-not-supported' },
    });
  });

  test('of a server that wants a token and names nothing says that it guesses', async () => {
    const server = await startScriptedMcpServer();
    onTestFinished(() => server.close());
    server.on('initialize', httpStatus(401));
    server.on('GET', httpStatus(404));
    expect(await check(server.url)).toMatchObject({
      kind: 'mcp',
      authorization: { kind: 'oauth', isGuess: true, issuer: new URL(server.url).origin },
    });
    expect(await check(server.url, { auth: { type: 'bearer' } })).toMatchObject({
      authorization: { kind: 'token' },
    });
  });

  test('ends in time, also where a server does not answer', async () => {
    const server = await startScriptedMcpServer();
    onTestFinished(() => server.close());
    server.on('initialize', hang());
    expect(await check(server.url, { timeoutMs: 100 })).toEqual({ kind: 'unreachable', cause: 'timeout' });
  });

  test('holds no query of an issuer', async () => {
    const key = randomUUID();
    const url = await challengedBy('http://127.0.0.1:9');
    const tokenEndpoint = `http://127.0.0.1:9/token?key=${key}`;
    const auth = {
      type: 'oauth2' as const,
      authorizationEndpoint: 'http://127.0.0.1:9/authorize',
      tokenEndpoint,
    };
    expect(JSON.stringify(await check(url, { auth }))).not.toContain(key);
  });
});
