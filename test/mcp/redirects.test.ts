import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { initializeResult } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { testAdapter } from './test-adapter.ts';

interface Seen {
  method: string;
  url: string;
  what: string;
  authorization: string | undefined;
}

/** An MCP server at one path. `elsewhere` answers requests to other paths. */
async function serverAt(
  path: string,
  elsewhere: (request: Pick<Seen, 'url' | 'what'>) => { status: number; location?: string },
) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const message = await messageOf(request);
    const { method = '', url = '', headers } = request;
    const what = message.method ?? method;
    seen.push({ method, url, what, authorization: headers.authorization });
    if (url !== server.path) {
      const { status, location } = elsewhere({ url, what });
      return void response.writeHead(status, location === undefined ? {} : { location }).end('moved');
    }
    if (message.id === undefined) return void response.writeHead(method === 'DELETE' ? 200 : 202).end();
    response.setHeader('mcp-session-id', 's');
    response.setHeader('content-type', 'application/json');
    const result = what === 'initialize' ? initializeResult() : { content: [] };
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
  }) as Server & { path: string };
  server.path = path;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    moveTo: (to: string) => {
      server.path = to;
    },
  };
}

async function messageOf(request: IncomingMessage): Promise<{ method?: string; id?: number }> {
  // What the adapter posts is JSON-RPC.
  return request.method === 'POST' ? ((await json(request)) as { method?: string; id?: number }) : {};
}

const completed = expect.objectContaining({ kind: 'completed' });
const BEARER = { bearerToken: 't1' };

describe('a redirect that adds or removes a slash', () => {
  test.each([
    ['/mcp', '/mcp/', 307, '/mcp/'],
    ['/mcp', '/mcp/', 308, '/mcp/'],
    ['/mcp/', '/mcp', 308, '/mcp'],
    ['/mcp', '/mcp/', 307, 'mcp/'],
    ['/a/mcp?tenant=1&x=%20', '/a/mcp/?tenant=1&x=%20', 307, '/a/mcp/?tenant=1&x=%20'],
  ])(
    'from %s to %s by %i is followed, with the token, and remembered',
    async (from, to, status, location) => {
      const server = await serverAt(to, () => ({ status, location }));
      const adapter = testAdapter();
      const target = targetOf(`${server.origin}${from}`, BEARER);
      expect(await adapter.callTool(target, callOf())).toEqual(completed);
      const before = server.seen.length;
      expect(server.seen.filter(({ url }) => url === from).map(({ what }) => what)).toEqual(['initialize']);

      expect(await adapter.callTool(target, callOf())).toEqual(completed);
      // The same for another user's session.
      expect(await adapter.callTool({ ...target, userId: 'eve' }, callOf())).toEqual(completed);
      await adapter.close();

      const later = server.seen.slice(before);
      expect(later.map(({ what }) => what)).toEqual([
        'tools/call',
        'initialize',
        'notifications/initialized',
        'tools/call',
        'DELETE',
        'DELETE',
      ]);
      expect(new Set(later.map(({ url }) => url))).toEqual(new Set([to]));
      expect(new Set(server.seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer t1']));
    },
  );

  test('that names the whole URL is followed', async () => {
    const server = await serverAt('/mcp/', () => ({ status: 307, location: `${server.origin}/mcp/` }));
    expect(await testAdapter().callTool(targetOf(`${server.origin}/mcp`), callOf())).toEqual(completed);
  });

  test('in the middle of a session is followed, and the call is made once', async () => {
    const server = await serverAt('/mcp', () => ({ status: 308, location: '/mcp/' }));
    const adapter = testAdapter();
    const target = targetOf(`${server.origin}/mcp`);
    await adapter.callTool(target, callOf());
    server.moveTo('/mcp/');
    expect(await adapter.callTool(target, callOf())).toEqual(completed);
    expect(server.seen.filter(({ url, what }) => url === '/mcp/' && what === 'tools/call')).toHaveLength(1);
  });

  test('is forgotten when the server serves the registered URL instead', async () => {
    const server = await serverAt('/mcp/', ({ url }) =>
      url === '/mcp' ? { status: 307, location: '/mcp/' } : { status: 404 },
    );
    const adapter = testAdapter();
    const target = targetOf(`${server.origin}/mcp`);
    await adapter.callTool(target, callOf());
    server.moveTo('/mcp');
    expect(await adapter.callTool({ ...target, userId: 'eve' }, callOf())).toEqual(completed);
  });

  test('that forms a circle is followed once', async () => {
    const server = await serverAt('/nowhere', ({ url }) => ({
      status: 307,
      location: url === '/mcp' ? '/mcp/' : '/mcp',
    }));
    const outcome = await testAdapter().callTool(targetOf(`${server.origin}/mcp`), callOf());
    expect(outcome).toMatchObject({ kind: 'failed', code: 'protocol-error' });
    expect(server.seen.map(({ url }) => url)).toEqual(['/mcp', '/mcp/']);
  });
});

describe('any other redirect', () => {
  test.each<[string, number, (origin: string) => string | undefined, string]>([
    ['301', 301, () => '/mcp/', 'ORIGIN/mcp/'],
    ['302', 302, () => '/mcp/', 'ORIGIN/mcp/'],
    ['303', 303, () => '/mcp/', 'ORIGIN/mcp/'],
    ['to another path', 307, () => '/v2/mcp', 'ORIGIN/v2/mcp'],
    ['to two slashes', 308, () => '/mcp//', 'ORIGIN/mcp//'],
    ['to another letter case', 308, () => '/MCP/', 'ORIGIN/MCP/'],
    ['with a query', 307, () => '/mcp/?token=secret', 'ORIGIN/mcp/'],
    ['with a fragment', 307, () => '/mcp/#secret', 'ORIGIN/mcp/'],
    ['to https', 308, (origin) => `${origin.replace('http:', 'https:')}/mcp/`, 'https:'],
    ['to another port', 307, () => 'http://127.0.0.1:9/mcp/', 'http://127.0.0.1:9/mcp/'],
    ['to another host', 307, () => '//elsewhere.example/mcp/', 'http://elsewhere.example/mcp/'],
    ['with a user', 307, (origin) => `${origin.replace('//', '//ada:secret@')}/mcp/`, 'ORIGIN/mcp/'],
    ['to what is not HTTP', 307, () => 'data:text/plain,secret', 'what is not HTTP'],
    ['to itself', 307, () => '/mcp', 'ORIGIN/mcp'],
    ['without a target', 308, () => undefined, 'nowhere'],
    ['to what is no address', 308, () => 'http://[secret', 'nowhere'],
    ['to a long path', 308, () => `/${'x'.repeat(5_000)}`, 'xxx'],
  ])('%s is refused, and its target is named to the operator', async (_, status, location, named) => {
    const server = await serverAt('/nowhere', () => {
      const to = location(server.origin);
      return { status, ...(to !== undefined && { location: to }) };
    });
    const target = targetOf(`${server.origin}/mcp`, BEARER);
    const outcome = await testAdapter().callTool(target, callOf());
    if (outcome.kind !== 'failed') throw new Error(`not refused: ${outcome.kind}`);
    expect(outcome).toMatchObject({
      code: 'protocol-error',
      message: `The MCP server answered HTTP ${status}.`,
    });
    expect(outcome.operatorMessage).toContain(named.replace('ORIGIN', server.origin));
    expect(outcome.operatorMessage).not.toContain('secret');
    expect(outcome.operatorMessage.length).toBeLessThan(500);
    expect(server.seen).toHaveLength(1);
  });
});
