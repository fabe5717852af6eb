import { describe, expect, onTestFinished, test } from 'vitest';
import { hang, httpStatus, initializeResult, type Reply, rpcResult } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const completed = expect.objectContaining({ kind: 'completed' });

/** Accepts requests with that token. A session that is bound to a token accepts only that one. */
function acceptOnly(token: string, reply: Reply): Reply {
  return (response, request) =>
    request.headers.authorization === `Bearer ${token}`
      ? reply(response, request)
      : httpStatus(401)(response, request);
}

function openSession(id: string): Reply {
  return (response, request) => {
    response.setHeader('mcp-session-id', id);
    rpcResult(initializeResult())(response, request);
  };
}

describe('sessions', () => {
  test('is not opened a third time where the server forgets each: the call was not made', async () => {
    const server = await scriptedServer();
    server.on('tools/call', httpStatus(404));
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toEqual({ kind: 'not-sent', cause: 'unavailable' });
    expect(server.count('initialize')).toBe(2);
    expect(server.count('tools/call')).toBe(2);
  });

  test('is not what a 404 is about where the server gave none', async () => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult(initializeResult()));
    server.on('tools/call', httpStatus(404));
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toMatchObject({ kind: 'failed', code: 'protocol-error' });
    expect(server.count('initialize')).toBe(1);
  });

  test('is not used again after a 400, which may be about the session, and the call is not repeated', async () => {
    const server = await scriptedServer();
    server.once('tools/call', httpStatus(400));
    const adapter = testAdapter();
    const refused = await adapter.callTool(targetOf(server.url), callOf());
    expect(refused).toMatchObject({ kind: 'failed', code: 'protocol-error' });
    expect(server.count('tools/call')).toBe(1);

    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(completed);
    expect(server.count('initialize')).toBe(2);
  });

  test('is opened again for a list too', async () => {
    const server = await scriptedServer();
    server.once('tools/list', httpStatus(404));
    const outcome = await testAdapter().listTools(targetOf(server.url), { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ kind: 'listed' });
    expect(server.count('initialize')).toBe(2);
  });

  test('is not ended at the server that has forgotten it', async () => {
    const server = await scriptedServer();
    server.once('tools/call', httpStatus(404));
    const adapter = testAdapter();
    await adapter.callTool(targetOf(server.url), callOf());
    await adapter.close();
    const ended = server.seen.filter(({ what }) => what === 'DELETE');
    expect(ended.map(({ headers }) => headers['mcp-session-id'])).toEqual(['session-2']);
  });

  test('is opened again where it is bound to a token that has been renewed since', async () => {
    const server = await scriptedServer();
    server.on('tools/call', (response, request) => {
      const bound = { 'session-1': 'Bearer old', 'session-2': 'Bearer new' };
      const session = String(request.headers['mcp-session-id']);
      const accepted = Reflect.get(bound, session) === request.headers.authorization;
      (accepted ? rpcResult({ content: [] }) : httpStatus(401))(response, request);
    });
    const adapter = testAdapter();
    for (const bearerToken of ['old', 'new']) {
      expect(await adapter.callTool(targetOf(server.url, { bearerToken }), callOf())).toEqual(completed);
    }
    expect(server.count('initialize')).toBe(2);
  });

  test('is not opened again for a token that the server accepted in it before', async () => {
    const server = await scriptedServer();
    const adapter = testAdapter();
    const target = targetOf(server.url, { bearerToken: 'spent' });
    await adapter.callTool(target, callOf());
    server.on('tools/call', httpStatus(401));
    expect(await adapter.callTool(target, callOf())).toEqual({ kind: 'unauthorized' });
    expect(server.count('initialize')).toBe(1);
  });

  test('is not judged by the token of another call that opened it', async () => {
    const server = await scriptedServer();
    let answerFirst = () => {};
    const opened = new Promise<void>((resolve) => {
      server.once('initialize', (response, request) => {
        answerFirst = () => httpStatus(401)(response, request);
        resolve();
      });
    });
    server.on('initialize', acceptOnly('new', openSession('s')));
    const adapter = testAdapter();
    const stale = adapter.callTool(targetOf(server.url, { bearerToken: 'old' }), callOf());
    await opened;
    const renewed = adapter.callTool(targetOf(server.url, { bearerToken: 'new' }), callOf());
    answerFirst();
    expect(await stale).toEqual({ kind: 'unauthorized' });
    expect(await renewed).toEqual(completed);
  });

  test('may be given up by one caller while another still waits for it', async () => {
    const server = await scriptedServer();
    let answer = () => {};
    server.once('initialize', (response, request) => {
      answer = () => openSession('s')(response, request);
    });
    const adapter = testAdapter({ limits: { idleMs: 1 } });
    const abort = new AbortController();
    const given = adapter.callTool(targetOf(server.url), callOf({ signal: abort.signal }));
    const waiting = adapter.callTool(targetOf(server.url), callOf());
    await server.arrived('initialize');
    abort.abort();
    expect(await given).toEqual({ kind: 'not-sent', cause: 'cancelled' });
    answer();
    expect(await waiting).toEqual(completed);
    // No call holds the session any more, so it is closed when it is idle.
    await server.arrived('DELETE');
  });

  test('holds a call back no longer than it may be inactive', async () => {
    const server = await scriptedServer();
    server.on('initialize', hang());
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf({ inactivityTimeoutMs: 100 }));
    expect(outcome).toEqual({ kind: 'not-sent', cause: 'timeout' });
  });

  test('carries the headers that the admin registered, but never a registered `Authorization`', async () => {
    const server = await scriptedServer();
    const headers = { 'X-Tenant': 'acme', authorization: 'Basic c2VjcmV0', accept: 'text/html' };
    const adapter = testAdapter();
    await adapter.callTool(targetOf(server.url, { headers }), callOf());
    await adapter.callTool(targetOf(server.url, { headers, bearerToken: 'mine' }), callOf());
    const [open, , , authorized] = server.seen.map((request) => request.headers);
    expect(open).toMatchObject({ 'x-tenant': 'acme', accept: 'application/json, text/event-stream' });
    expect(open).not.toHaveProperty('authorization');
    expect(authorized).toMatchObject({ 'x-tenant': 'acme', authorization: 'Bearer mine' });
  });

  test('is not tried with a token that no header can carry', async () => {
    const server = await scriptedServer();
    const target = targetOf(server.url, { bearerToken: 'line\nbreak' });
    expect(await testAdapter().callTool(target, callOf())).toEqual({ kind: 'unauthorized' });
    expect(server.seen).toEqual([]);
  });

  test('are opened for many users at once without a warning of Node’s', async () => {
    const server = await scriptedServer();
    const warnings: string[] = [];
    const hear = ({ name }: Error) => warnings.push(name);
    process.on('warning', hear);
    onTestFinished(() => void process.off('warning', hear));
    const adapter = testAdapter();
    const users = Array.from({ length: 50 }, (_, n) => `user-${n}`);
    await Promise.all(users.map((userId) => adapter.callTool(targetOf(server.url, { userId }), callOf())));
    await new Promise(setImmediate);
    expect(server.count('initialize')).toBe(50);
    expect(warnings).toEqual([]);
  });

  test('hangs up when the adapter closes: what was sent is lost, what was not is not', async () => {
    const server = await scriptedServer();
    server.on('tools/call', hang());
    const adapter = testAdapter();
    const sent = adapter.callTool(targetOf(server.url), callOf());
    await server.arrived('tools/call');
    server.on('initialize', hang());
    const opening = adapter.callTool(targetOf(server.url, { userId: 'eve' }), callOf());
    await server.arrived('initialize', 2);
    await adapter.close();
    expect(await sent).toEqual({ kind: 'lost', cause: 'cancelled' });
    expect(await opening).toEqual({ kind: 'not-sent', cause: 'cancelled' });
    const late = await adapter.callTool(targetOf(server.url), callOf());
    expect(late).toEqual({ kind: 'not-sent', cause: 'cancelled' });
  });

  test('closes within its bounds though the server does not answer', async () => {
    const server = await scriptedServer();
    server.on('DELETE', hang());
    const adapter = testAdapter();
    await adapter.callTool(targetOf(server.url), callOf());
    await adapter.close();
    expect(server.count('DELETE')).toBe(1);
  });
});
