import { describe, expect, test } from 'vitest';
import {
  events,
  eventWithId,
  httpStatus,
  type Reply,
  reset,
  type SeenRequest,
  writeEvent,
} from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const done = { kind: 'completed', isError: false, result: { content: ['done'] } };
const lost = { kind: 'lost', cause: 'stream-ended' };
const RETRY_SOON = 'retry: 1';

function answerTo(request: SeenRequest): Record<string, unknown> {
  return { jsonrpc: '2.0', id: request.id ?? 0, result: { content: ['done'] } };
}

/** Makes a call to a server with these answers to the call and then to each attempt to resume. */
async function resuming(call: Reply, ...resumptions: Reply[]) {
  const server = await scriptedServer();
  server.on('tools/call', call);
  for (const reply of resumptions) server.once('GET', reply);
  const target = targetOf(server.url, { bearerToken: 'mine' });
  const outcome = await testAdapter().callTool(target, callOf());
  const lastEventIds = server.seen
    .filter(({ what }) => what === 'GET')
    .map(({ headers }) => headers['last-event-id']);
  return { server, outcome, lastEventIds };
}

const primed = events(() => [`${RETRY_SOON}\n${eventWithId('e1')}`]);

/** The first answer does not complete the call. The request that resumes it after these gets the result. */
function answeredLater(call: Reply, ...before: Reply[]): [Reply, ...Reply[]] {
  let answer: Record<string, unknown> = {};
  const remember: Reply = (response, request) => {
    answer = answerTo(request);
    call(response, request);
  };
  return [remember, ...before, events(() => [answer])];
}

describe('an answer in an event stream', () => {
  test('is taken though the stream stays open', async () => {
    const server = await scriptedServer();
    server.on(
      'tools/call',
      events((request) => [answerTo(request)], { open: true }),
    );
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(done);
  });

  test('is found in pieces, after comments, other events and messages of other kinds', async () => {
    const server = await scriptedServer();
    server.on('tools/call', (response, request) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      writeEvent(response, ': keepalive');
      writeEvent(response, 'event: note\ndata: not for us');
      writeEvent(response, {
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level: 'info', data: 1 },
      });
      const bytes = Buffer.from(
        `data: ${JSON.stringify({ ...answerTo(request), result: { content: ['é'] } })}\n\n`,
      );
      for (const byte of bytes) response.write(Buffer.of(byte));
      response.end();
    });
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toMatchObject({ result: { content: ['é'] } });
  });

  test('leaves the connection usable, though the stream’s end comes after the answer', async () => {
    const server = await scriptedServer();
    const ports = new Set<number | undefined>();
    const adapter = testAdapter();
    for (let n = 0; n < 10; n += 1) {
      const ended = new Promise<void>((resolve) => {
        server.once('tools/call', (response, request) => {
          ports.add(response.socket?.remotePort);
          events((one) => [answerTo(one)], { open: true })(response, request);
          setTimeout(() => response.end(resolve), 10);
        });
      });
      await adapter.callTool(targetOf(server.url), callOf());
      await ended;
    }
    // The next call may start before the previous stream has ended.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  test('waits for the client to answer the server’s own requests in the call’s name', async () => {
    const server = await scriptedServer();
    server.on('tools/call', async (response, request) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      writeEvent(response, { jsonrpc: '2.0', id: 'p', method: 'ping' });
      await server.arrived('response', 1);
      writeEvent(response, { jsonrpc: '2.0', id: 's', method: 'sampling/createMessage', params: {} });
      await server.arrived('response', 2);
      writeEvent(response, answerTo(request));
      response.end();
    });
    const target = targetOf(server.url, { bearerToken: 'mine' });
    expect(await testAdapter().callTool(target, callOf())).toEqual(done);
    const [ping, sampling] = server.seen.filter(({ what }) => what === 'response');
    expect(ping).toMatchObject({ id: 'p', result: {}, headers: { authorization: 'Bearer mine' } });
    expect(sampling).toMatchObject({ id: 's', error: { code: -32601 } });
  });
});

describe('an event stream that ends before the answer', () => {
  test('is resumed from the last event id, as the call that it is', async () => {
    const { server, outcome } = await resuming(...answeredLater(primed));
    expect(outcome).toEqual(done);
    const get = await server.arrived('GET');
    expect(get.headers).toMatchObject({
      accept: 'text/event-stream',
      authorization: 'Bearer mine',
      'last-event-id': 'e1',
      'mcp-session-id': 'session-1',
    });
    expect(get.headers).not.toHaveProperty('content-type');
    expect(server.count('tools/call')).toBe(1);
  });

  test('is resumed also when the connection was cut, and again from where it then stood', async () => {
    const further = events(() => [eventWithId('e2')]);
    const nothing = events(() => []);
    const { outcome, lastEventIds } = await resuming(...answeredLater(reset(primed), further, nothing));
    expect(outcome).toEqual(done);
    expect(lastEventIds).toEqual(['e1', 'e2', 'e2']);
  });

  test('is resumed again after a failure that may pass', async () => {
    const { outcome, lastEventIds } = await resuming(...answeredLater(primed, httpStatus(503), reset()));
    expect(outcome).toEqual(done);
    expect(lastEventIds).toEqual(['e1', 'e1', 'e1']);
  });

  test.each([
    ['401, for the tool may have run', httpStatus(401)],
    ['403', httpStatus(403)],
    ['404', httpStatus(404)],
    ['405', httpStatus(405)],
    ['something else than a stream', httpStatus(200)],
  ])('is lost when resuming is refused with %s', async (_, refusal) => {
    const { server, outcome, lastEventIds } = await resuming(primed, refusal);
    expect(outcome).toEqual(lost);
    expect(lastEventIds).toEqual(['e1']);
    expect(server.count('tools/call')).toBe(1);
    expect(server.count('initialize')).toBe(1);
  });

  test('is lost when resuming brings nothing for long', async () => {
    const nothing = events(() => []);
    const { outcome, lastEventIds } = await resuming(primed, ...Array<Reply>(20).fill(nothing));
    expect(outcome).toEqual(lost);
    expect(lastEventIds).toEqual(Array(5).fill('e1'));
  });

  test('is given up while waiting to be resumed', async () => {
    const server = await scriptedServer();
    const adapter = testAdapter();
    await adapter.callTool(targetOf(server.url), callOf());
    server.on(
      'tools/call',
      events(() => [`retry: 60000\n${eventWithId('e1')}`]),
    );
    const outcome = await adapter.callTool(targetOf(server.url), callOf({ inactivityTimeoutMs: 500 }));
    expect(outcome).toEqual({ kind: 'lost', cause: 'timeout' });
    await server.arrived('notifications/cancelled');
  });
});
