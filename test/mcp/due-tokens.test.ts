import { describe, expect, test } from 'vitest';
import type { FreshToken, McpTarget } from '../../src/mcp/port.ts';
import {
  events,
  eventWithId,
  hang,
  httpStatus,
  initializeResult,
  type Reply,
  rpcError,
  rpcResult,
  type ScriptedMcpServer,
  writeEvent,
} from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const completed = expect.objectContaining({ kind: 'completed' });
const RESULT = { content: [{ type: 'text', text: 'late' }] };

/** A token that the test makes due, and the fresh one that replaces it, if any. */
function token(fresh?: string) {
  let due = false;
  const freshToken = async (): Promise<FreshToken | undefined> =>
    fresh === undefined ? undefined : { bearerToken: fresh, tokenIsDue: () => false };
  const changes: Partial<McpTarget> = { bearerToken: 'first', tokenIsDue: () => due, freshToken };
  return {
    changes,
    isDue: () => due,
    becomeDue: () => {
      due = true;
    },
  };
}

/** Returns the tokens of all requests of a kind. */
function tokensOf(server: ScriptedMcpServer, what: string): unknown[] {
  return server.seen.filter((one) => one.what === what).map(({ headers }) => headers.authorization);
}

/** Makes the token due before it answers. */
function afterwards(becomeDue: () => void, reply: Reply): Reply {
  return (response, request) => {
    becomeDue();
    reply(response, request);
  };
}

describe('a token that is due', () => {
  test.each([
    ['is not sent with the farewell of an idle session', true, []],
    ['while it is good, is sent with it', false, ['Bearer first']],
  ])('%s', async (_, due, farewells) => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token('second');
    const adapter = testAdapter({ limits: { idleMs: 20 } });
    await adapter.callTool(targetOf(server.url, changes), callOf());
    if (due) becomeDue();
    // The session that was used later is closed later.
    await adapter.callTool(targetOf(server.url, { userId: 'eve', bearerToken: 'hers' }), callOf());
    await expect.poll(() => tokensOf(server, 'DELETE'), { timeout: 30_000 }).toContain('Bearer hers');
    expect(tokensOf(server, 'DELETE')).toEqual([...farewells, 'Bearer hers']);
  });

  test('is not sent with a farewell when the process ends', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    const adapter = testAdapter();
    await adapter.callTool(targetOf(server.url, changes), callOf());
    becomeDue();
    await adapter.close();
    expect(server.count('DELETE')).toBe(0);
  });

  test.each([false, true])('by the store, is not sent with a farewell: %s', async (current) => {
    const server = await scriptedServer();
    const adapter = testAdapter();
    const changes = { bearerToken: 'first', tokenIsCurrent: async () => current };
    await adapter.callTool(targetOf(server.url, changes), callOf());
    await adapter.close();
    expect(server.count('DELETE')).toBe(current ? 1 : 0);
  });

  test('or was refused, is not sent with a farewell', async () => {
    const server = await scriptedServer();
    const adapter = testAdapter();
    const target = targetOf(server.url, { bearerToken: 'spent' });
    await adapter.callTool(target, callOf());
    server.on('tools/call', httpStatus(401));
    await adapter.callTool(target, callOf());
    await adapter.close();
    expect(server.count('DELETE')).toBe(0);
  });

  test.each([
    [undefined, []],
    ['second', ['Bearer second']],
  ])('is not sent with a cancellation; a fresh one (%s) is', async (fresh, sent) => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token(fresh);
    server.on('tools/call', afterwards(becomeDue, hang()));
    const abort = new AbortController();
    const calling = testAdapter().callTool(targetOf(server.url, changes), callOf({ signal: abort.signal }));
    await server.arrived('tools/call');
    abort.abort();
    expect(await calling).toEqual({ kind: 'lost', cause: 'cancelled' });
    expect(tokensOf(server, 'notifications/cancelled')).toEqual(sent);
  });

  test.each([
    [undefined, 'invalid-arguments', []],
    ['second', 'unknown-tool', ['Bearer second']],
  ])('is not sent to look for the tool; a fresh one (%s) is', async (fresh, code, sent) => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token(fresh);
    server.on('tools/call', afterwards(becomeDue, rpcError(-32602)));
    const call = callOf({ tool: 'missing' });
    const outcome = await testAdapter().callTool(targetOf(server.url, changes), call);
    expect(outcome).toMatchObject({ kind: 'failed', code });
    expect(tokensOf(server, 'tools/list')).toEqual(sent);
  });

  test.each([
    [undefined, { kind: 'lost', cause: 'stream-ended' }, []],
    ['second', completed, ['Bearer second']],
  ])('is not sent to resume a stream; a fresh one (%s) is', async (fresh, outcome, sent) => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token(fresh);
    let call: string | number | undefined;
    const prime = events(() => ['retry: 50', eventWithId('1')]);
    server.on('tools/call', (response, request) => {
      call = request.id;
      afterwards(becomeDue, prime)(response, request);
    });
    server.on('GET', (response, request) =>
      events(() => [eventWithId('2', { jsonrpc: '2.0', id: call, result: RESULT })])(response, request),
    );
    expect(await testAdapter().callTool(targetOf(server.url, changes), callOf())).toEqual(outcome);
    expect(tokensOf(server, 'GET')).toEqual(sent);
  });

  test.each([
    [undefined, []],
    ['second', ['Bearer second']],
  ])('is not sent with an answer to the server; a fresh one (%s) is', async (fresh, sent) => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token(fresh);
    server.on('tools/call', (response, { id }) => {
      becomeDue();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      writeEvent(response, { jsonrpc: '2.0', id: 'are-you-there', method: 'ping' });
      const end = () => {
        writeEvent(response, { jsonrpc: '2.0', id, result: RESULT });
        response.end();
      };
      if (fresh === undefined) end();
      else void server.arrived('response').then(end);
    });
    expect(await testAdapter().callTool(targetOf(server.url, changes), callOf())).toEqual(completed);
    expect(tokensOf(server, 'response')).toEqual(sent);
  });

  test('is not sent to ask whether a session is known', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    server.on('tools/call', afterwards(becomeDue, httpStatus(400)));
    const outcome = await testAdapter().callTool(targetOf(server.url, changes), callOf());
    expect(outcome).toMatchObject({ kind: 'failed', code: 'protocol-error' });
    expect(server.count('ping')).toBe(0);
  });
});

describe('a call whose token becomes due before it is sent', () => {
  test('is not made where that happens while its session opens', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    server.on('initialize', afterwards(becomeDue, rpcResult(initializeResult())));
    const outcome = await testAdapter().callTool(targetOf(server.url, changes), callOf());
    expect(outcome).toEqual({ kind: 'token-stale' });
    expect(server.seen.map(({ what }) => what)).toEqual(['initialize']);
  });

  test('is not made where that happens between two calls of a session', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    const adapter = testAdapter();
    expect(await adapter.callTool(targetOf(server.url, changes), callOf())).toEqual(completed);
    becomeDue();
    expect(await adapter.callTool(targetOf(server.url, changes), callOf())).toEqual({ kind: 'token-stale' });
    expect(server.count('tools/call')).toBe(1);
  });

  test('is not listed on, page by page', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    server.on('tools/list', afterwards(becomeDue, rpcResult({ tools: [], nextCursor: 'more' })));
    const outcome = await testAdapter().listTools(targetOf(server.url, changes), { timeoutMs: 20_000 });
    expect(outcome).toEqual({ kind: 'token-stale' });
    expect(server.count('tools/list')).toBe(1);
  });

  test('is made with a token that was renewed for it, and nothing else is', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    becomeDue();
    const adapter = testAdapter();
    const target = targetOf(server.url, { ...changes, tokenJustRenewed: true });
    expect(await adapter.callTool(target, callOf())).toEqual(completed);
    await adapter.close();
    const what = ['initialize', 'notifications/initialized', 'tools/call'];
    expect(server.seen.map((request) => request.what)).toEqual(what);
  });

  test.each([
    [undefined, ['initialize Bearer first']],
    ['second', ['initialize Bearer first', 'notifications/initialized Bearer second']],
  ])(
    'is not made with a token that was renewed for it and expires first; a fresh one (%s) opens the session',
    async (fresh, opening) => {
      const server = await scriptedServer();
      const { changes, becomeDue, isDue } = token(fresh);
      server.on('initialize', afterwards(becomeDue, rpcResult(initializeResult())));
      const adapter = testAdapter();
      const target = targetOf(server.url, { ...changes, tokenJustRenewed: true, tokenIsExpired: isDue });
      expect(await adapter.callTool(target, callOf())).toEqual({ kind: 'token-stale' });
      expect(server.seen.map(({ what, headers }) => `${what} ${headers.authorization}`)).toEqual(opening);

      const renewed = targetOf(server.url, { bearerToken: 'third' });
      expect(await adapter.callTool(renewed, callOf())).toEqual(completed);
      expect(server.count('initialize')).toBe(fresh === undefined ? 2 : 1);
      expect(tokensOf(server, 'tools/call')).toEqual(['Bearer third']);
    },
  );

  test('does not hold back a call that shares the opening, and whose token was renewed for it', async () => {
    const server = await scriptedServer();
    const { changes, becomeDue } = token();
    let answer = () => {};
    server.once('initialize', (response, request) => {
      answer = () => rpcResult(initializeResult())(response, request);
    });
    const adapter = testAdapter();
    const late = adapter.callTool(targetOf(server.url, changes), callOf());
    await server.arrived('initialize');
    const target = targetOf(server.url, { ...changes, tokenJustRenewed: true });
    const renewed = adapter.callTool(target, callOf());
    becomeDue();
    answer();
    expect(await late).toEqual({ kind: 'token-stale' });
    expect(await renewed).toEqual(completed);
  });
});
