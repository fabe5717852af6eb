import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Lookup } from '../../src/net/guarded-connector.ts';
import type { NetworkError } from '../../src/net/network.ts';
import { addresses, connectionFree, during, failureOf, guarded, moment } from './guarded-fetch-fixture.ts';
import { type LoopbackServer, serveHttp, serveTcp } from './loopback-server.ts';

const USER = { addressFrom: 'user' } as const;
const POST = { ...USER, method: 'POST', body: 'grant' } as const;

/** A server that acts on each complete request and records it. */
async function onRequests(act: (socket: Socket, nth: number) => void) {
  const received: string[] = [];
  const server = await during(
    serveTcp((socket) => {
      socket.on('data', (bytes) => {
        received.push(bytes.toString());
        act(socket, received.length);
      });
    }),
  );
  return { server, received };
}

function answer(socket: Socket, status = '200 OK', headers = ''): void {
  socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 2\r\n${headers}\r\nok`);
}

/** The address of a port on which nothing listens. */
async function deadUrl(): Promise<string> {
  const server = await serveTcp(() => {});
  await server.close();
  return server.url;
}

function bytesReceived({ sockets }: LoopbackServer): number {
  return sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
}

describe('what the guarded fetch says of having sent', () => {
  test('a refused connection: not sent, and no veto is asked for', async () => {
    let asked = 0;
    const beforeFirstByte = () => {
      asked += 1;
    };
    const failure = await failureOf(guarded().fetch(await deadUrl(), { ...POST, beforeFirstByte }));
    expect(failure).toMatchObject({ code: 'connect-refused', sent: false });
    expect(asked).toBe(0);
  });

  test('a connection that breaks after the request: sent', async () => {
    const { server, received } = await onRequests((socket) => socket.resetAndDestroy());
    const failure = await failureOf(guarded().fetch(server.url, POST));
    expect(failure).toMatchObject({ code: 'reset', sent: true, cause: { code: 'ECONNRESET' } });
    expect(received).toHaveLength(1);
  });

  test('a connection that is closed instead of answering: sent', async () => {
    const { server } = await onRequests((socket) => socket.end());
    expect(await failureOf(guarded().fetch(server.url, POST))).toMatchObject({ code: 'reset', sent: true });
  });

  test('a veto before the first byte: not sent, and the server sees no byte', async () => {
    const { server, received } = await onRequests((socket) => answer(socket));
    const { fetch } = guarded();
    const veto = new Error('lease lost');
    const beforeFirstByte = () => {
      throw veto;
    };
    const failure = await failureOf(fetch(server.url, { ...POST, beforeFirstByte }));
    expect(failure).toMatchObject({ code: 'vetoed', sent: false, cause: veto });

    // The connection is open, and the next request is the first on it.
    await connectionFree();
    expect((await fetch(server.url, { ...POST, body: 'second' })).status).toBe(200);
    expect(server.sockets).toHaveLength(1);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/second$/);
  });

  test('asks for a veto before a byte of the request', async () => {
    const { server } = await onRequests((socket) => answer(socket));
    const seen: number[] = [];
    const beforeFirstByte = () => seen.push(bytesReceived(server));
    await guarded().fetch(server.url, { ...POST, beforeFirstByte });
    expect(seen).toEqual([0]);
  });

  test('a caller that aborts in the veto: not sent', async () => {
    const { server, received } = await onRequests((socket) => answer(socket));
    const { fetch } = guarded();
    const caller = new AbortController();
    const beforeFirstByte = () => caller.abort();
    const failure = await failureOf(fetch(server.url, { ...POST, signal: caller.signal, beforeFirstByte }));
    expect(failure).toMatchObject({ code: 'aborted', sent: false });
    await (await fetch(server.url, USER)).text();
    expect(received).toHaveLength(1);
  });

  test('a request on a kept connection that breaks goes out once: sent', async () => {
    const { server, received } = await onRequests((socket, nth) =>
      nth === 1 ? answer(socket) : socket.end(),
    );
    const { fetch } = guarded();
    await (await fetch(server.url, POST)).text();
    await connectionFree();
    let asked = 0;
    const beforeFirstByte = () => {
      asked += 1;
    };
    const failure = await failureOf(fetch(server.url, { ...POST, beforeFirstByte }));
    expect(failure).toMatchObject({ code: 'reset', sent: true });
    expect({ asked, received: received.length, connections: server.sockets.length }).toEqual({
      asked: 1,
      received: 2,
      connections: 1,
    });
  });

  test('a kept connection that the server has closed is not used', async () => {
    const { server, received } = await onRequests((socket) => answer(socket));
    const { fetch } = guarded();
    await (await fetch(server.url, POST)).text();
    await connectionFree();
    for (const socket of server.sockets) await once(socket.end(), 'close');
    expect((await fetch(server.url, POST)).status).toBe(200);
    expect(received).toHaveLength(2);
  });

  test.each([['421 Misdirected Request'], ['407 Proxy Authentication Required'], ['401 Unauthorized']])(
    'returns %s after sending once',
    async (status) => {
      const { server, received } = await onRequests((socket) => answer(socket, status));
      const response = await guarded().fetch(server.url, POST);
      expect(`${response.status} ${response.statusText}`).toBe(status);
      expect(received).toHaveLength(1);
    },
  );

  test.each([
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['an unusable status', 'HTTP/1.1 999 Strange\r\ncontent-length: 0\r\n\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(4_000)}\r\n`.repeat(5)}`],
  ])('an answer that is %s: malformed, and sent', async (_what, bytes) => {
    const { server } = await onRequests((socket) => socket.write(bytes));
    const failure = await failureOf(guarded().fetch(server.url, POST));
    expect(failure).toMatchObject({ code: 'malformed-answer', sent: true });
  });

  test.each([
    [{ headers: { 'bad name': 'x' } }],
    [{ headers: { name: 'line\nbreak' } }],
    [{ headers: { name: 'control\u0001' } }],
    [{ method: 'GET /' }],
  ])('a request that is no HTTP is not sent: %j', async (init) => {
    const { server, received } = await onRequests((socket) => answer(socket));
    const failure = await failureOf(guarded().fetch(server.url, { ...USER, ...init }));
    expect(failure).toMatchObject({ code: 'invalid-request', sent: false });
    expect(received).toHaveLength(0);
  });

  test('sends forms, strings and headers as fetch does', async () => {
    const server = await during(
      serveHttp(async (request, response) => {
        const body = (await request.toArray()).join('');
        const { 'content-type': type, 'content-length': length, authorization } = request.headers;
        response.end(
          JSON.stringify({ method: request.method, url: request.url, type, length, authorization, body }),
        );
      }),
    );
    const { fetch } = guarded();
    const headers = new Headers({ authorization: 'Bearer t' });
    const form = new URLSearchParams({ a: 'é b' });
    const response = await fetch(`${server.url}/p?q=1`, { ...USER, method: 'POST', body: form, headers });
    expect(await response.json()).toEqual({
      method: 'POST',
      url: '/p?q=1',
      type: 'application/x-www-form-urlencoded;charset=UTF-8',
      length: '10',
      authorization: 'Bearer t',
      body: 'a=%C3%A9+b',
    });
    expect(response).toBeInstanceOf(Response);
  });
});

describe('a caller who gives up', () => {
  const aborted = (sent: boolean): Partial<NetworkError> => ({ code: 'aborted', sent });

  test('before the request: not sent', async () => {
    const { fetch } = guarded();
    const signal = AbortSignal.abort(new Error('enough'));
    const failure = await failureOf(fetch(await deadUrl(), { ...POST, signal }));
    expect(failure).toMatchObject({ ...aborted(false), cause: { message: 'enough' } });
  });

  test('while connecting: not sent, at once, and not later either', async () => {
    const { server, received } = await onRequests((socket) => answer(socket));
    const caller = new AbortController();
    const resolver: Array<() => void> = [];
    const { fetch } = guarded({
      lookup: () =>
        new Promise((resolve) => {
          resolver.push(() => resolve([{ address: '127.0.0.1', family: 4 }]));
          caller.abort();
        }),
    });
    const url = `http://slow.test:${server.port}/`;
    expect(await failureOf(fetch(url, { ...POST, signal: caller.signal }))).toMatchObject(aborted(false));
    for (const resolve of resolver) resolve();
    const second = fetch(url, { ...POST, body: 'second' });
    for (const resolve of resolver) resolve();
    await (await second).text();
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/second$/);
  });

  test('while waiting for the answer: sent, and the connection is closed', async () => {
    const caller = new AbortController();
    const { server } = await onRequests(() => caller.abort());
    const failure = await failureOf(guarded().fetch(server.url, { ...POST, signal: caller.signal }));
    expect(failure).toMatchObject(aborted(true));
    await Promise.all(server.sockets.map((socket) => socket.destroyed || once(socket, 'close')));
  });

  test('by closing: running requests end after the grace, new ones are refused', async () => {
    const arrival = moment();
    const { server } = await onRequests(arrival.reach);
    const { fetch, close } = guarded();
    const running = failureOf(fetch(server.url, POST));
    await arrival.reached;
    await close(10);
    expect(await running).toMatchObject(aborted(true));
    expect(await failureOf(fetch(server.url, POST))).toMatchObject(aborted(false));
  });

  test('by closing: ends also the request whose neighbour could not connect', async () => {
    const arrival = moment();
    const { server } = await onRequests(arrival.reach);
    const firstLookup = moment();
    let lookups = 0;
    const lookup: Lookup = async () => {
      lookups += 1;
      if (lookups === 2) throw new Error('no answer from DNS');
      await firstLookup.reached;
      return addresses('127.0.0.1');
    };
    const { fetch, close } = guarded({ lookup });
    const url = `http://flaky.test:${server.port}/`;
    const running = failureOf(fetch(url, POST));
    expect(await failureOf(fetch(url, POST))).toMatchObject({ code: 'dns-failed' });
    firstLookup.reach();
    await arrival.reached;
    await close(10);
    expect(await running).toMatchObject(aborted(true));
  });

  test('by closing: lets running requests finish within the grace', async () => {
    const arrival = moment();
    const { server } = await onRequests(arrival.reach);
    const { fetch, close } = guarded();
    const running = fetch(server.url, POST);
    await arrival.reached;
    const closing = close(5_000);
    for (const socket of server.sockets) answer(socket);
    expect((await running).status).toBe(200);
    await closing;
  });
});
