import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { CallToolOutcome, ListToolsOutcome, ToolCall } from '../../src/mcp/port.ts';
import {
  body,
  events,
  hang,
  httpStatus,
  initializeResult,
  type Reply,
  reset,
  rpcError,
  rpcResult,
} from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const LIMIT = 64 * 1024;
const NOW = Date.parse('2026-01-01T00:00:00Z');

/** Makes a call to a server that gives this answer to one method and behaves well otherwise. */
async function outcomesOf(what: string, reply: Reply, call = callOf(), initializeTimeoutMs = 30_000) {
  const server = await scriptedServer();
  server.on(what, reply);
  const adapter = testAdapter({ clock: () => NOW, limits: { initializeTimeoutMs } });
  const target = targetOf(server.url, { maxResultBytes: LIMIT });
  return { server, adapter, target, called: await adapter.callTool(target, call) };
}

/** A short limit when a timeout is expected, and one that is never reached otherwise. */
const limitFor = (expected: object) => ('cause' in expected && expected.cause === 'timeout' ? 300 : 20_000);

/** Makes a call in an open session, so that its time limits cover only the call. */
async function callInOpenSession(reply: Reply, limits: Partial<ToolCall>) {
  const server = await scriptedServer();
  const adapter = testAdapter();
  await adapter.callTool(targetOf(server.url), callOf());
  server.on('tools/call', reply);
  return { server, called: await adapter.callTool(targetOf(server.url), callOf(limits)) };
}

const WORDS = { message: expect.any(String), operatorMessage: expect.any(String) };
const forbidden = { kind: 'failed', code: 'forbidden', ...WORDS } as const;
const toolError = { kind: 'failed', code: 'tool-error', ...WORDS } as const;
const protocolError = { kind: 'failed', code: 'protocol-error', ...WORDS } as const;
const tooLarge = { kind: 'failed', code: 'result-too-large', ...WORDS } as const;
const ok = {
  kind: 'completed',
  isError: false,
  result: { content: [{ type: 'text', text: 'ok' }] },
} as const;

const challenge = (value: string) => httpStatus(403, { 'www-authenticate': value });
const anySuccess = { jsonrpc: '2.0', id: 999, result: { content: [] } };
const withoutEnd: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"jsonrpc":');
};
const headOf: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': working\n\n');
};

describe('where the server misbehaves at tools/call', () => {
  test.each<[string, Reply, CallToolOutcome]>([
    [
      '401',
      httpStatus(401, { 'www-authenticate': 'Bearer error="invalid_token"' }),
      { kind: 'unauthorized' },
    ],
    [
      '401 that speaks of scope',
      httpStatus(401, { 'www-authenticate': 'Bearer error="insufficient_scope"' }),
      { kind: 'unauthorized' },
    ],
    [
      '403 for want of scope',
      challenge(
        'Basic realm="a, b", Bearer realm="x \\" y", error="insufficient_scope", scope="files:read write"',
      ),
      { kind: 'insufficient-scope', challengedScopes: ['files:read', 'write'] },
    ],
    [
      '403 for want of a scope it does not name',
      challenge('Bearer error=insufficient_scope'),
      { kind: 'insufficient-scope', challengedScopes: [] },
    ],
    ['403', httpStatus(403), forbidden],
    ['403 for another reason', challenge('Bearer error="invalid_token"'), forbidden],
    ['403 whose text speaks of scope', challenge('Bearer error_description="insufficient_scope"'), forbidden],
    [
      '429',
      httpStatus(429, { 'retry-after': '7' }),
      { kind: 'not-sent', cause: 'rate-limited', retryAfterMs: 7_000 },
    ],
    ['429 without a word', httpStatus(429), { kind: 'not-sent', cause: 'rate-limited' }],
    [
      '503 until a date, by a clock 10 minutes ahead of ours',
      httpStatus(503, {
        'retry-after': 'Thu, 01 Jan 2026 00:11:00 GMT',
        date: 'Thu, 01 Jan 2026 00:10:00 GMT',
      }),
      { kind: 'not-sent', cause: 'unavailable', retryAfterMs: 60_000 },
    ],
    ['500', httpStatus(500), { kind: 'lost', cause: 'server-error' }],
    ['502', httpStatus(502), { kind: 'lost', cause: 'server-error' }],
    ['504', httpStatus(504), { kind: 'lost', cause: 'server-error' }],
    ['400', httpStatus(400), protocolError],
    ['405', httpStatus(405), protocolError],
    ['a redirect within the origin', httpStatus(307, { location: '/elsewhere' }), protocolError],
    ['a redirect to another origin', httpStatus(308, { location: 'http://127.0.0.1:1/' }), protocolError],
    ['a connection cut before the answer', reset(), { kind: 'lost', cause: 'reset' }],
    ['a connection cut within the answer', reset(withoutEnd), { kind: 'lost', cause: 'reset' }],
    ['a connection cut within an event stream', reset(headOf), { kind: 'lost', cause: 'reset' }],
    ['a stream that ends at once', events(() => []), { kind: 'lost', cause: 'stream-ended' }],
    [
      'a stream that ends after somebody else’s answer',
      events(() => [anySuccess]),
      { kind: 'lost', cause: 'stream-ended' },
    ],
    ['a stream with an event that is not JSON', events(() => ['data: oops']), protocolError],
    ['a web page', body('text/html', '<h1>Sign in</h1>'), protocolError],
    ['an answer without a type', httpStatus(200), protocolError],
    ['202', httpStatus(202), protocolError],
    ['JSON that is not JSON', body('application/json', '{"jsonrpc":'), protocolError],
    ['JSON that is not JSON-RPC', body('application/json', '{"hello":"world"}'), protocolError],
    ['the answer to another request', body('application/json', JSON.stringify(anySuccess)), protocolError],
    ['a JSON-RPC error', rpcError(-32000), { ...toolError, serverMessage: 'no' }],
    ['JSON-RPC “method not found”', rpcError(-32601), { ...protocolError, serverMessage: 'no' }],
    [
      'a JSON-RPC error with an HTTP status for text',
      rpcError(-32000, '401 Unauthorized'),
      { ...toolError, serverMessage: '401 Unauthorized' },
    ],
    ['an answer that is too large', rpcResult({ content: ['x'.repeat(LIMIT)] }), tooLarge],
    [
      'an event that is too large',
      events(({ id }) => [{ jsonrpc: '2.0', id: id ?? 0, result: { content: ['x'.repeat(LIMIT)] } }]),
      tooLarge,
    ],
    [
      'an event that never ends',
      (response) => {
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(`data: ${'x'.repeat(LIMIT + 1)}`);
      },
      tooLarge,
    ],
  ])('%s', async (_, reply, expected) => {
    const { server, called } = await outcomesOf('tools/call', reply);
    expect(called).toEqual(expected);
    expect(server.count('tools/call')).toBe(1);
    expect(server.seen.map(({ what }) => what)).not.toContain('GET');
  });

  test('gives up a call without progress, and tells the server', async () => {
    const { server, called } = await callInOpenSession(hang(), { inactivityTimeoutMs: 500 });
    expect(called).toEqual({ kind: 'lost', cause: 'timeout' });
    const [call, cancelled] = [
      await server.arrived('tools/call', 2),
      await server.arrived('notifications/cancelled'),
    ];
    expect(cancelled.params).toEqual({ requestId: call.id, reason: 'timeout' });
  });

  test('gives up a call at its ceiling, whatever progress it makes', async () => {
    const busy: Reply = (response, { params }) => {
      // The SDK puts its token there.
      const { progressToken } = params._meta as { progressToken: number };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const report = {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken, progress: 1 },
      };
      const timer = setInterval(() => response.write(`data: ${JSON.stringify(report)}\n\n`), 20);
      response.on('close', () => clearInterval(timer));
    };
    const { server, called } = await callInOpenSession(busy, { ceilingMs: 500 });
    expect(called).toEqual({ kind: 'lost', cause: 'timeout' });
    await server.arrived('notifications/cancelled');
  });

  test('does not send a call whose signal has aborted', async () => {
    const call = callOf({ signal: AbortSignal.abort() });
    const { server, called } = await outcomesOf('tools/call', hang(), call);
    expect(called).toEqual({ kind: 'not-sent', cause: 'cancelled' });
    expect(server.seen).toEqual([]);
  });

  test('does not run a tool for an answer that says “401” in its text', async () => {
    const content = [{ type: 'text', text: '401 Unauthorized' }];
    const { server, called } = await outcomesOf('tools/call', rpcResult({ content, isError: true }));
    expect(called).toEqual({ kind: 'completed', isError: true, result: { content } });
    expect(server.count('tools/call')).toBe(1);
  });

  test('goes on with a connection after a refusal', async () => {
    const { server, adapter, target } = await outcomesOf('tools/call', httpStatus(401));
    server.on('tools/call', rpcResult({ content: [{ type: 'text', text: 'ok' }] }));
    expect(await adapter.callTool(target, callOf())).toEqual(ok);
    expect(server.count('initialize')).toBe(1);
  });
});

describe('where the server misbehaves at initialize, the tool was not called', () => {
  test.each<[string, Reply, CallToolOutcome]>([
    ['401', httpStatus(401), { kind: 'unauthorized' }],
    [
      '403 for want of scope',
      challenge('Bearer error="insufficient_scope", scope="a"'),
      { kind: 'insufficient-scope', challengedScopes: ['a'] },
    ],
    ['403', httpStatus(403), forbidden],
    ['404', httpStatus(404), protocolError],
    ['405', httpStatus(405), protocolError],
    [
      '429',
      httpStatus(429, { 'retry-after': '7' }),
      { kind: 'not-sent', cause: 'rate-limited', retryAfterMs: 7_000 },
    ],
    ['503', httpStatus(503), { kind: 'not-sent', cause: 'unavailable' }],
    ['500', httpStatus(500), { kind: 'not-sent', cause: 'server-error' }],
    ['a redirect', httpStatus(302, { location: '/elsewhere' }), protocolError],
    ['a connection cut', reset(), { kind: 'not-sent', cause: 'reset' }],
    ['no answer', hang(), { kind: 'not-sent', cause: 'timeout' }],
    ['a stream that ends', events(() => []), { kind: 'not-sent', cause: 'stream-ended' }],
    ['a web page', body('text/html', '<h1>Sign in</h1>'), protocolError],
    ['an internal error', rpcError(-32603), { kind: 'not-sent', cause: 'server-error' }],
    ['another JSON-RPC error', rpcError(-32600), protocolError],
    ['an unknown protocol version', rpcResult(initializeResult('1999-01-01')), protocolError],
    ['a result that is none', rpcResult({ hello: 'world' }), protocolError],
    ['an answer that is too large', rpcResult('x'.repeat(1024 * 1024)), tooLarge],
  ])('%s', async (_, reply, expected) => {
    const { server, called } = await outcomesOf('initialize', reply, callOf(), limitFor(expected));
    expect(called).toEqual(expected);
    expect(server.count('tools/call')).toBe(0);
  });

  test.each<[string, Reply, CallToolOutcome]>([
    ['401', httpStatus(401), { kind: 'unauthorized' }],
    ['404', httpStatus(404), { kind: 'not-sent', cause: 'unavailable' }],
    ['500', httpStatus(500), { kind: 'not-sent', cause: 'server-error' }],
  ])('also when the session is refused right after: %s', async (_, reply, expected) => {
    const { server, called } = await outcomesOf('notifications/initialized', reply);
    expect(called).toEqual(expected);
    expect(server.count('tools/call')).toBe(0);
  });

  test('opens a session for the next call after a failure', async () => {
    const { server, adapter, target } = await outcomesOf('initialize', httpStatus(500));
    server.on('initialize', rpcResult(initializeResult('2025-06-18')));
    expect(await adapter.callTool(target, callOf())).toEqual(ok);
    expect(server.seen.at(-1)?.headers['mcp-protocol-version']).toBe('2025-06-18');
  });
});

describe('where there is no server', () => {
  test('says that nothing was sent', async () => {
    const server = await scriptedServer();
    await server.close();
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toEqual({ kind: 'not-sent', cause: 'connect-refused' });
  });

  test('says that nothing was sent to an address that is not allowed', async () => {
    const target = targetOf('http://169.254.169.254/mcp');
    expect(await testAdapter().callTool(target, callOf())).toEqual({
      kind: 'not-sent',
      cause: 'address-refused',
    });
  });

  test('says that nothing was sent when the handshake fails', async () => {
    const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const outcome = await testAdapter().callTool(targetOf(`https://127.0.0.1:${port}/mcp`), callOf());
    plain.close();
    expect(outcome).toEqual({ kind: 'not-sent', cause: 'tls-failed' });
  });
});

describe('a list is never lost, only unavailable', () => {
  test.each<[string, Reply, ListToolsOutcome]>([
    ['401', httpStatus(401), { kind: 'unauthorized' }],
    ['403', httpStatus(403), forbidden],
    ['429', httpStatus(429), { kind: 'unavailable', cause: 'rate-limited' }],
    [
      '503',
      httpStatus(503, { 'retry-after': '1' }),
      { kind: 'unavailable', cause: 'unavailable', retryAfterMs: 1_000 },
    ],
    ['500', httpStatus(500), { kind: 'unavailable', cause: 'server-error' }],
    ['a connection cut', reset(), { kind: 'unavailable', cause: 'reset' }],
    ['no answer', hang(), { kind: 'unavailable', cause: 'timeout' }],
    ['a JSON-RPC error', rpcError(-32603), protocolError],
    ['“method not found”, of tools that were announced', rpcError(-32601), protocolError],
    ['a result that is no list', rpcResult({ tools: 'many' }), protocolError],
    ['an answer that is too large', rpcResult({ tools: ['x'.repeat(LIMIT)] }), tooLarge],
  ])('%s', async (_, reply, expected) => {
    const server = await scriptedServer();
    server.on('tools/list', reply);
    const target = targetOf(server.url, { maxResultBytes: LIMIT });
    expect(await testAdapter().listTools(target, { timeoutMs: limitFor(expected) })).toEqual(expected);
  });
});
