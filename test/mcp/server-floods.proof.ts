import { describe, expect, test } from 'vitest';
import type { ToolCall } from '../../src/mcp/port.ts';
import { SERVER_LIMITS, type ServerLimits } from '../../src/mcp/server-limits.ts';
import { events, type Reply, type SeenRequest } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const MANY = 20_000;
const MIB = 1024 * 1024;
/** The most connections of a call without a flood: for `initialize`, the notification after it, and the call. */
const OPENING = 3;
const flooded = { kind: 'lost', cause: 'flooded' } as const;
const ok = {
  kind: 'completed',
  isError: false,
  result: { content: [{ type: 'text', text: 'ok' }] },
} as const;

const answerTo = ({ id = 0 }: SeenRequest) => ({ jsonrpc: '2.0', id, result: ok.result });
const tokenOf = ({ params }: SeenRequest) => (params._meta as { progressToken: number }).progressToken;

/** Repeats the lines of a stream in big chunks, and then answers. */
function repeated(lines: (request: SeenRequest) => string, times: number): Reply {
  return (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const text = lines(request);
    const perChunk = Math.ceil(65_536 / text.length);
    let left = times;
    const write = () => {
      while (left > 0 && !response.destroyed) {
        const now = Math.min(perChunk, left);
        left -= now;
        if (!response.write(text.repeat(now))) return void response.once('drain', write);
      }
      if (left <= 0) response.end(`data: ${JSON.stringify(answerTo(request))}\n\n`);
    };
    write();
  };
}

const eventOf = (message: object) => `data: ${JSON.stringify(message)}\n\n`;
const requestOf =
  (method: string, id: unknown = 1) =>
  () =>
    eventOf({ jsonrpc: '2.0', id, method });
const progressOf = (message: string) => (request: SeenRequest) =>
  eventOf({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: tokenOf(request), progress: 1, message, extra: { big: 'x'.repeat(100) } },
  });

/** A call whose time limits are not reached first, even on a slow machine. */
const patiently = (changes: Partial<ToolCall> = {}) =>
  callOf({ inactivityTimeoutMs: 60_000, ceilingMs: 60_000, ...changes });

/** Makes a call. Returns its outcome and the memory that it took. */
async function callOfFlood(reply: Reply, limits: Partial<ServerLimits> = {}, call = patiently()) {
  const server = await scriptedServer();
  server.once('tools/call', reply);
  const adapter = testAdapter({ serverLimits: limits });
  const before = process.memoryUsage().rss;
  const outcome = await adapter.callTool(targetOf(server.url), call);
  const grownMiB = (process.memoryUsage().rss - before) / MIB;
  return { server, adapter, outcome, grownMiB };
}

describe('a server that floods a call', () => {
  test.each([
    ['pings', repeated(requestOf('ping'), MANY)],
    ['questions for roots', repeated(requestOf('roots/list'), MANY)],
    ['questions for a model', repeated(requestOf('sampling/createMessage'), MANY)],
    ['questions to the user', repeated(requestOf('elicitation/create', 'a'), MANY)],
    ['pings in one batch', events(() => [Array.from({ length: MANY }, (_, id) => ping(id)) as never])],
  ])('with %s is disconnected after a few connections', async (_, reply) => {
    const { server, outcome, grownMiB } = await callOfFlood(reply);
    expect(outcome).toEqual(flooded);
    expect(server.connections()).toBeLessThan(10);
    expect(server.count('response')).toBeLessThanOrEqual(SERVER_LIMITS.requestsInABurst);
    expect(grownMiB).toBeLessThan(100);
  });

  test('opens a new session for the next call', async () => {
    const { server, adapter } = await callOfFlood(repeated(requestOf('ping'), MANY));
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(ok);
    expect(server.count('initialize')).toBe(2);
  });

  test('answers a few requests, some at once', async () => {
    const { server, outcome } = await callOfFlood(repeated(requestOf('ping'), 10));
    expect(outcome).toEqual(ok);
    await server.arrived('response', 10);
    expect(server.connections()).toBeLessThanOrEqual(OPENING + SERVER_LIMITS.answersAtOnce);
  });

  test('with requests whose ids are long answers none', async () => {
    const { server, outcome } = await callOfFlood(repeated(requestOf('ping', 'x'.repeat(1_000)), 100));
    expect(outcome).toEqual(ok);
    expect(server.count('response')).toBe(0);
  });

  test('with progress notes has a few passed on, each cut short', async () => {
    const heard: number[] = [];
    const call = patiently({ onProgress: ({ message = '' }) => void heard.push(message.length) });
    const { server, outcome, grownMiB } = await callOfFlood(
      repeated(progressOf('x'.repeat(3_000)), 2_000),
      {},
      call,
    );
    expect(outcome).toEqual(ok);
    expect(heard.length).toBeGreaterThanOrEqual(SERVER_LIMITS.progressInABurst);
    expect(heard.length).toBeLessThan(MANY / 2);
    expect(Math.max(...heard)).toBe(SERVER_LIMITS.progressMessageLength);
    expect(server.connections()).toBeLessThanOrEqual(OPENING);
    expect(grownMiB).toBeLessThan(100);
  });

  test.each<[string, Reply, Partial<ServerLimits>]>([
    ['progress notes', repeated(progressOf('on'), MANY), { messagesPerRequest: MANY - 1 }],
    [
      'log messages',
      repeated(() => eventOf({ jsonrpc: '2.0', method: 'notifications/message', params: {} }), MANY),
      { messagesPerRequest: MANY - 1 },
    ],
    ['blank events', repeated(() => 'data:\n\n', 1_000_000), {}],
    [
      'events of another name',
      repeated(() => 'event: x\ndata: {}\n\n', MANY),
      { eventsPerRequest: MANY - 1 },
    ],
    ['comments', repeated(() => ': on\n', 1_000_000), {}],
  ])('with %s is disconnected', async (_, reply, limits) => {
    const { server, outcome, grownMiB } = await callOfFlood(reply, limits);
    expect(outcome).toEqual(flooded);
    expect(server.connections()).toBeLessThanOrEqual(OPENING);
    expect(grownMiB).toBeLessThan(100);
  });

  test('with meaningless bytes is disconnected', async () => {
    const { outcome } = await callOfFlood(
      repeated(() => '\n'.repeat(1_000), 10_000),
      { streamAllowanceBytes: MIB },
    );
    expect(outcome).toMatchObject({ kind: 'failed', code: 'result-too-large' });
  });

  test('over a stream that it ends again and again is disconnected', async () => {
    const server = await scriptedServer();
    let part = 0;
    const resumable: Reply = (response) => {
      part += 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`retry: 1\nid: ${part}\ndata:\n\n`.repeat(10));
    };
    server.on('tools/call', resumable);
    server.on('GET', resumable);
    const adapter = testAdapter({ serverLimits: { eventsPerRequest: 25 } });
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(flooded);
    expect(server.count('GET')).toBe(2);
  });

  test('still delivers an answer that comes in the same batch', async () => {
    const { outcome } = await callOfFlood((response, request) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify([...Array.from({ length: 100 }, (_, id) => ping(id)), answerTo(request)]));
    });
    expect(outcome).toEqual(ok);
  });

  test.each<[string, string, number]>([
    ['comments', ': still here\n\n', 20],
    ['blank events', 'data:\n\n', 20],
    ['one byte at a time', '\n', 20],
  ])('with %s without end keeps no call alive', async (_, text, everyMs) => {
    const dripping: Reply = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => response.write(text), everyMs);
      response.on('close', () => clearInterval(timer));
    };
    const { server, outcome } = await callOfFlood(dripping, {}, callOf({ inactivityTimeoutMs: 2_000 }));
    expect(outcome).toEqual({ kind: 'lost', cause: 'timeout' });
    await server.arrived('notifications/cancelled');
  });
});

describe('a server whose head of an answer is without end', () => {
  test.each<[string, string, number]>([
    ['interim answers', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', 1_000],
    ['headers', `x-many: ${'x'.repeat(1_000)}\r\n`, 1_000],
  ])('%s', async (what, text, times) => {
    const { outcome, grownMiB } = await callOfFlood((response) => {
      const start = what === 'headers' ? 'HTTP/1.1 200 OK\r\n' : '';
      response.socket?.write(start + text.repeat(times));
    });
    expect(outcome).toEqual({ kind: 'lost', cause: 'server-error' });
    expect(grownMiB).toBeLessThan(100);
  });

  test('one byte at a time', async () => {
    const { outcome } = await callOfFlood(
      ({ socket }) => {
        const bytes = [...`HTTP/1.1 200 OK\r\nx-slow: ${'x'.repeat(10_000)}`];
        const timer = setInterval(() => socket?.write(bytes.shift() ?? ''), 20);
        socket?.on('close', () => clearInterval(timer));
      },
      {},
      callOf({ inactivityTimeoutMs: 2_000 }),
    );
    expect(outcome).toEqual({ kind: 'lost', cause: 'timeout' });
  });
});

function ping(id: number): Record<string, unknown> {
  return { jsonrpc: '2.0', id, method: 'ping' };
}
