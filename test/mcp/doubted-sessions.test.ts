import { describe, expect, test } from 'vitest';
import {
  body,
  hang,
  httpStatus,
  initializeResult,
  type Reply,
  rpcError,
  rpcResult,
  type ScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const completed = expect.objectContaining({ kind: 'completed' });
const refused = expect.objectContaining({ kind: 'failed', code: 'protocol-error' });

function refusal(status: number, code = -32000, id: 'none' | 'theirs' = 'none'): Reply {
  return (response, request) => {
    const error = { code, message: 'Bad Request: No valid session ID provided' };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', error, id: id === 'none' ? null : request.id }));
  };
}

function page(status: number, type: string): Reply {
  return (response) => void response.writeHead(status, { 'content-type': type }).end('Invalid session');
}

/** Gives this answer in a session that has ended, and succeeds in others. */
function inSession(id: string, reply: Reply, well: Reply): Reply {
  return (response, request) => (request.headers['mcp-session-id'] === id ? reply : well)(response, request);
}

/** Forgets its first session after one call in it. */
async function forgetful(refuseCall: Reply, refusePing: Reply = refuseCall) {
  const server = await scriptedServer();
  const adapter = testAdapter();
  expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(completed);
  server.on('tools/call', inSession('session-1', refuseCall, rpcResult({ content: [] })));
  server.on('tools/list', inSession('session-1', refuseCall, rpcResult({ tools: [] })));
  server.on('ping', inSession('session-1', refusePing, rpcResult({})));
  return { server, adapter };
}

function callsIn(server: ScriptedMcpServer, session: string): number {
  return server.seen.filter(
    ({ what, headers }) => what === 'tools/call' && headers['mcp-session-id'] === session,
  ).length;
}

describe('a session that the server has forgotten', () => {
  test.each<[string, Reply, Reply?]>([
    ['400 without a body', httpStatus(400)],
    ['400 with a JSON-RPC error', refusal(400)],
    ['400 with a JSON-RPC error for the very request', refusal(400, -32600, 'theirs')],
    ['400 with a line of text', page(400, 'text/plain')],
    ['400 with a web page', page(400, 'text/html')],
    ['400, and 404 to the ping', httpStatus(400), httpStatus(404)],
    ['410', httpStatus(410)],
  ])('is replaced, and the call made once, where it says so by %s', async (_, refuseCall, refusePing) => {
    const { server, adapter } = await forgetful(refuseCall, refusePing);
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(completed);
    expect(server.count('ping')).toBe(1);
    expect(server.count('initialize')).toBe(2);
    expect(callsIn(server, 'session-2')).toBe(1);
    // The new session is kept.
    await adapter.callTool(targetOf(server.url), callOf());
    expect(server.count('initialize')).toBe(2);
    await adapter.close();
    const ended = server.seen.filter(({ what }) => what === 'DELETE');
    expect(ended.map(({ headers }) => headers['mcp-session-id'])).toEqual(['session-2']);
  });

  test('is replaced for a list too', async () => {
    const { server, adapter } = await forgetful(httpStatus(400));
    const listed = await adapter.listTools(targetOf(server.url), { timeoutMs: 20_000 });
    expect(listed).toEqual({ kind: 'listed', tools: [] });
    expect(server.count('initialize')).toBe(2);
  });

  test('is asked about with the token of the call', async () => {
    const { server, adapter } = await forgetful(httpStatus(400));
    await adapter.callTool(targetOf(server.url, { bearerToken: 'renewed' }), callOf());
    const ping = server.seen.find(({ what }) => what === 'ping');
    expect(ping?.headers).toMatchObject({ authorization: 'Bearer renewed', 'mcp-session-id': 'session-1' });
  });

  test('is asked about once for all waiting calls, and one session replaces it', async () => {
    const { server, adapter } = await forgetful(httpStatus(400));
    let forget = () => {};
    const forgotten = new Promise<void>((resolve) => {
      forget = resolve;
    });
    server.on('ping', (response, request) => void forgotten.then(() => httpStatus(400)(response, request)));
    const calls = Array.from({ length: 20 }, () => adapter.callTool(targetOf(server.url), callOf()));
    await expect.poll(() => callsIn(server, 'session-1'), { timeout: 30_000 }).toBe(21);
    await server.arrived('ping');
    forget();
    expect(await Promise.all(calls)).toEqual(calls.map(() => completed));
    expect(server.count('initialize')).toBe(2);
    expect(callsIn(server, 'session-2')).toBe(20);
  });
});

describe('a 400 in a session that the server knows', () => {
  test.each<[string, Reply]>([
    ['is answered', rpcResult({})],
    ['is answered with an error', rpcError(-32601)],
    ['is not known, by HTTP 400', refusal(400, -32601, 'theirs')],
    ['is not known, by HTTP 404', refusal(404, -32601, 'theirs')],
    ['is answered with 401', httpStatus(401)],
    ['is answered with 500', httpStatus(500)],
    ['is answered with 202', httpStatus(202)],
    ['is answered with a web page', body('text/html', '<p>')],
  ])('ends the call, which is not repeated, where a ping %s', async (_, pong) => {
    const { server, adapter } = await forgetful(httpStatus(400), pong);
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(refused);
    expect(server.count('tools/call')).toBe(2);
    expect(server.count('initialize')).toBe(1);
  });

  test('ends the call where the ping is not answered in time, and the session is not used again', async () => {
    const { server, adapter } = await forgetful(httpStatus(400), hang());
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(refused);
    expect(server.count('tools/call')).toBe(2);
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(completed);
    expect(server.count('initialize')).toBe(2);
  }, 20_000);
});

describe('a 400 in every session', () => {
  test('ends the call after one new session', async () => {
    const server = await scriptedServer();
    server.on('tools/call', httpStatus(400));
    server.on('ping', httpStatus(400));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(refused);
    expect(server.count('initialize')).toBe(2);
    expect(server.count('tools/call')).toBe(2);
  });

  test('is not asked about when there is no session', async () => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult(initializeResult()));
    server.on('tools/call', httpStatus(400));
    server.on('ping', httpStatus(400));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(refused);
    expect(server.count('ping')).toBe(0);
    expect(server.count('initialize')).toBe(1);
  });
});

describe('a server that refuses `notifications/initialized` with 400', () => {
  test('is still called', async () => {
    const server = await scriptedServer();
    server.on('notifications/initialized', httpStatus(400));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(completed);
  });
});
