import { describe, expect, test } from 'vitest';
import type { ServerLimits } from '../../src/mcp/server-limits.ts';
import { leastDelay, longestDelay } from '../support/longest-delay.ts';
import { events, type Reply, rpcResult, rpcResultText } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const MAX_RESULT_BYTES = 10 * 1024 * 1024;
const WORDS = { message: expect.any(String), operatorMessage: expect.any(String) };
const protocolError = { kind: 'failed', code: 'protocol-error', ...WORDS } as const;
const tooLarge = { kind: 'failed', code: 'result-too-large', ...WORDS } as const;

const deepObject = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const deepList = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const manyTools = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `tool-${i}` }));

async function atServer(what: string, reply: Reply, serverLimits: Partial<ServerLimits> = {}) {
  const server = await scriptedServer();
  server.on(what, reply);
  const adapter = testAdapter({ serverLimits });
  const target = targetOf(server.url, { maxResultBytes: MAX_RESULT_BYTES });
  return {
    server,
    call: () => adapter.callTool(target, callOf({ inactivityTimeoutMs: 60_000, ceilingMs: 60_000 })),
    list: () => adapter.listTools(target, { timeoutMs: 60_000 }),
  };
}

const asEvent =
  (result: string): Reply =>
  (response, { id }) =>
    events(() => [`data: {"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`], { open: true })(
      response,
      { id } as never,
    );

const errorText =
  (data: string): Reply =>
  (response, { id }) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":-32000,"message":"no","data":${data}}}`,
    );
  };

describe('a result that nests too deeply', () => {
  test.each<[string, (levels: number) => string]>([
    ['structuredContent', (levels) => `{"content":[],"structuredContent":${deepObject(levels)}}`],
    [
      'structuredContent, in lists',
      (levels) => `{"content":[],"structuredContent":{"a":${deepList(levels)}}}`,
    ],
    ['_meta', (levels) => `{"content":[],"_meta":${deepObject(levels)}}`],
    ['content', (levels) => `{"content":[{"type":"text","text":"","_meta":${deepObject(levels)}}]}`],
    ['another member', (levels) => `{"rows":${deepList(levels)}}`],
    ['the whole', deepList],
  ])('in %s is a protocol error', async (_, result) => {
    for (const levels of [150, 20_000, 450_000]) {
      const { server, call } = await atServer('tools/call', rpcResultText(result(levels)));
      expect(await call()).toEqual(protocolError);
      expect(server.count('tools/call')).toBe(1);
    }
    const { call } = await atServer('tools/call', rpcResultText(result(50)));
    expect(await call()).toMatchObject({ kind: 'completed' });
  });

  test('in an event of a stream that stays open is a protocol error at once', async () => {
    const { call } = await atServer('tools/call', asEvent(`{"structuredContent":${deepObject(20_000)}}`));
    expect(await call()).toEqual(protocolError);
  });

  test('in the data of an error is a protocol error, also in a list', async () => {
    const { call } = await atServer('tools/call', errorText(deepObject(20_000)));
    expect(await call()).toEqual(protocolError);
    const { list } = await atServer('tools/list', errorText(deepObject(20_000)));
    expect(await list()).toEqual(protocolError);
  });

  test('at initialize is a protocol error', async () => {
    const { call } = await atServer('initialize', rpcResultText(deepObject(20_000)));
    expect(await call()).toEqual(protocolError);
  });
});

test.each<[string, string]>([
  ['values', `{"content":[],"structuredContent":{"a":[${'1,'.repeat(1_000_000)}1]}}`],
  ['empty lists', `{"content":[],"_meta":{"a":[${'[],'.repeat(1_000_000)}[]]}}`],
  ['characters of a key', `{"structuredContent":{"${'k'.repeat(65_537)}":1}}`],
  ['digits', `{"structuredContent":{"a":${'1'.repeat(65_537)}}}`],
  ['members, 90,000', `{"_meta":{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join()}}}`],
  ['members', `{"structuredContent":{${Array.from({ length: 50_001 }, (_, i) => `"k${i}":1`).join()}}}`],
])('a result with too many %s is too large', async (_, result) => {
  const { call } = await atServer('tools/call', rpcResultText(result));
  expect(await call()).toEqual(tooLarge);
});

describe('a list', () => {
  test.each<[string, Record<string, unknown> | string]>([
    ['nests too deeply', `{"type":"object","properties":${deepObject(20_000)}}`],
    ['nests 450,000 deep', `{"a":${deepList(450_000)}}`],
    ['has too many values', JSON.stringify({ enum: Array.from({ length: 20_001 }, () => 1) })],
  ])('leaves out a tool whose schema %s', async (_, schema) => {
    const tools = `[{"name":"odd","inputSchema":${schema}},{"name":"fine","inputSchema":{"type":"object"}}]`;
    const { list } = await atServer('tools/list', rpcResultText(`{"tools":${tools}}`));
    expect(await list()).toEqual({
      kind: 'listed',
      tools: [{ name: 'fine', inputSchema: { type: 'object' } }],
    });
  });

  test.each([5_001, 200_000])('of %d tools is too large', async (count) => {
    const { list } = await atServer('tools/list', rpcResult({ tools: manyTools(count) }));
    expect(await list()).toEqual(tooLarge);
  });

  test('of 5,000 tools is a list', async () => {
    const { list } = await atServer('tools/list', rpcResult({ tools: manyTools(5_000) }));
    expect(await list()).toMatchObject({ kind: 'listed', tools: { length: 5_000 } });
  });

  test('with too many tools on its pages together is too large', async () => {
    let pages = 0;
    const { server, list } = await atServer('tools/list', (...args) => {
      pages += 1;
      rpcResult({ tools: manyTools(2_000), nextCursor: `page-${pages}` })(...args);
    });
    expect(await list()).toEqual(tooLarge);
    expect(server.count('tools/list')).toBe(3);
  });

  test('without end is a protocol error', async () => {
    let pages = 0;
    const { server, list } = await atServer(
      'tools/list',
      (...args) => {
        pages += 1;
        rpcResult({ tools: [], nextCursor: `page-${pages}` })(...args);
      },
      { pages: 20 },
    );
    expect(await list()).toEqual(protocolError);
    expect(server.count('tools/list')).toBe(20);
  });

  test('with too many bytes on its pages together is too large', async () => {
    let pages = 0;
    const { server, list } = await atServer('tools/list', (...args) => {
      pages += 1;
      const tools = [{ name: `tool-${pages}`, description: 'x'.repeat(1024 * 1024) }];
      rpcResult({ tools, nextCursor: `page-${pages}` })(...args);
    });
    expect(await list()).toEqual(tooLarge);
    expect(server.count('tools/list')).toBe(4);
  });
});

test('a result of many values holds the event loop up less than JSON.parse would', async () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => `{"k${i}":1}`).join();
  const result = `{"content":[],"structuredContent":{"a":[${rows}]}}`;
  const native = await longestDelay(async () => JSON.parse(result));
  const { call } = await atServer('tools/call', rpcResultText(result));
  let outcome: unknown;
  const own = await leastDelay(
    async () => {
      outcome = await call();
    },
    { below: native / 2 },
  );
  expect(outcome).toMatchObject({ kind: 'completed' });
  expect(own).toBeLessThan(native / 2);
});

describe('a call is not idle', () => {
  const rows = Array.from({ length: 250_000 }, (_, i) => `{"k${i}":1}`).join();
  const manyRows = `{"content":[],"structuredContent":{"a":[${rows}]}}`;
  // Enough for a round of the event loop on a busy machine, and much less than the answer takes.
  const INACTIVITY_MS = 400;

  async function callWithin(
    reply: Reply,
    inactivityTimeoutMs = INACTIVITY_MS,
  ): Promise<{ kind: string; tookMs: number }> {
    const server = await scriptedServer();
    const adapter = testAdapter();
    const target = targetOf(server.url, { maxResultBytes: MAX_RESULT_BYTES });
    await adapter.callTool(target, callOf());
    server.on('tools/call', reply);
    const began = performance.now();
    const call = callOf({ inactivityTimeoutMs, ceilingMs: 60_000 });
    const { kind } = await adapter.callTool(target, call);
    return { kind, tookMs: performance.now() - began };
  }

  test.each<[string, Reply]>([
    ['in a body', rpcResultText(manyRows)],
    ['in an event', asEvent(manyRows)],
  ])('while its answer is read, %s', async (_, reply) => {
    // Another answer is read at the same time, so this one takes longer than the inactivity limit.
    const [first, second] = await Promise.all([callWithin(reply), callWithin(reply)]);
    expect([first.kind, second.kind]).toEqual(['completed', 'completed']);
    expect(Math.max(first.tookMs, second.tookMs)).toBeGreaterThan(INACTIVITY_MS);
  });

  test.each<[string, string]>([
    ['in a body', 'application/json'],
    ['in an event', 'text/event-stream'],
  ])('while its answer comes in, %s', async (_, type) => {
    const silenceMs = 2_000;
    const parts = Array.from({ length: 10 }, () => 'x'.repeat(20_000));
    const slowly: Reply = (response, { id }) => {
      response.writeHead(200, { 'content-type': type });
      if (type !== 'application/json') response.write('data: ');
      response.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[],"_meta":{"a":"`);
      const timer = setInterval(() => {
        const part = parts.pop();
        if (part !== undefined) return void response.write(part);
        clearInterval(timer);
        response.end('"}}}\n\n');
      }, silenceMs / 5);
    };
    const { kind, tookMs } = await callWithin(slowly, silenceMs);
    expect(kind).toBe('completed');
    expect(tookMs).toBeGreaterThan(silenceMs);
  });
});
