import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { connectionFree, during, failureOf, guarded, moment } from './guarded-fetch-fixture.ts';
import { serveHttp, serveTcp } from './loopback-server.ts';

const USER = { addressFrom: 'user' } as const;

const answering = (act: (response: ServerResponse) => void) =>
  during(serveHttp((_request, response) => act(response)));

describe('the time limits of the guarded fetch', () => {
  test('a name that never resolves: connect-timeout, not sent', async () => {
    const { fetch } = guarded({ lookup: () => new Promise(() => {}) });
    const failure = await failureOf(fetch('http://mute.test/', { ...USER, connectTimeoutMs: 20 }));
    expect(failure).toMatchObject({ code: 'connect-timeout', sent: false });
  });

  test('a TLS handshake that never ends: connect-timeout, not sent', async () => {
    const server = await during(serveTcp(() => {}));
    const url = `https://localhost:${server.port}/`;
    const failure = await failureOf(guarded().fetch(url, { ...USER, connectTimeoutMs: 50 }));
    expect(failure).toMatchObject({ code: 'connect-timeout', sent: false });
  });

  test('a server that reads and does not answer: headers-timeout, sent', async () => {
    const server = await answering(() => {});
    const failure = await failureOf(guarded().fetch(server.url, { ...USER, headersTimeoutMs: 30 }));
    expect(failure).toMatchObject({ code: 'headers-timeout', sent: true });
  });

  test('interim answers do not extend the wait for the head', async () => {
    const server = await answering((response) => {
      const interim = setInterval(() => response.writeProcessing(), 10);
      response.on('close', () => clearInterval(interim));
    });
    const failure = await failureOf(guarded().fetch(server.url, { ...USER, headersTimeoutMs: 100 }));
    expect(failure).toMatchObject({ code: 'headers-timeout', sent: true });
  });

  test('the wait for the head starts with the first byte, not with connecting', async () => {
    const server = await answering((response) => response.end('ok'));
    const slow = async () => {
      await delay(1_500);
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const { fetch } = guarded({ lookup: slow });
    const response = await fetch(`http://slow.test:${server.port}/`, { ...USER, headersTimeoutMs: 1_000 });
    expect(await response.text()).toBe('ok');
  });

  test('a body that stops coming: body-timeout when read', async () => {
    const server = await answering((response) => response.write('a'));
    const response = await guarded().fetch(server.url, { ...USER, bodyTimeoutMs: 30 });
    expect(response.status).toBe(200);
    expect(await failureOf(response.text())).toMatchObject({ code: 'body-timeout', sent: true });
  });
});

describe('the body of an answer', () => {
  test('beyond its limit by announcement: status and headers are there, reading fails', async () => {
    const server = await answering((response) => response.setHeader('content-length', 101).write('a'));
    const response = await guarded().fetch(server.url, { ...USER, maxBodyBytes: 100 });
    expect(response.headers.get('content-length')).toBe('101');
    expect(await failureOf(response.text())).toMatchObject({ code: 'body-too-large', sent: true });
  });

  test('beyond its limit in chunks: reading fails and the connection is closed', async () => {
    const server = await answering((response) => {
      response.write('a'.repeat(60));
      response.write('a'.repeat(60));
    });
    const response = await guarded().fetch(server.url, { ...USER, maxBodyBytes: 100 });
    expect(await failureOf(response.text())).toMatchObject({ code: 'body-too-large', sent: true });
    await Promise.all(server.sockets.map((socket) => socket.destroyed || once(socket, 'close')));
  });

  test('of exactly its limit is read', async () => {
    const server = await answering((response) => response.end('a'.repeat(100)));
    const response = await guarded().fetch(server.url, { ...USER, maxBodyBytes: 100 });
    expect(await response.text()).toHaveLength(100);
  });

  test('is limited to 1 MiB by default', async () => {
    const server = await answering((response) => response.end(Buffer.alloc(1_048_577)));
    const response = await guarded().fetch(server.url, USER);
    expect(await failureOf(response.text())).toMatchObject({ code: 'body-too-large' });
  });

  const ZEROS = Buffer.alloc(16 * 1_048_576);
  test.each([
    ['gzip', gzipSync(ZEROS)],
    ['br', brotliCompressSync(ZEROS)],
  ])('that decompresses beyond its limit (%s) is cut there', async (encoding, bomb) => {
    const server = await answering((response) => response.setHeader('content-encoding', encoding).end(bomb));
    const response = await guarded().fetch(server.url, { ...USER, maxBodyBytes: 65_536 });
    expect(bomb.length).toBeLessThan(65_536);
    let read = 0;
    const reading = (async () => {
      for await (const chunk of response.body ?? []) read += chunk.byteLength;
    })();
    expect(await failureOf(reading)).toMatchObject({ code: 'body-too-large', sent: true });
    expect(read).toBeLessThanOrEqual(65_536);
  });

  test.each([
    ['gzip', gzipSync('packed')],
    ['x-gzip', gzipSync('packed')],
    ['br', brotliCompressSync('packed')],
    ['identity', Buffer.from('packed')],
  ])('is decoded: %s', async (encoding, body) => {
    const server = await answering((response) => response.setHeader('content-encoding', encoding).end(body));
    expect(await (await guarded().fetch(server.url, USER)).text()).toBe('packed');
  });

  test.each([['gzip'], ['br']])('that is empty needs no decoding: %s', async (encoding) => {
    const server = await answering((response) => response.setHeader('content-encoding', encoding).end());
    expect(await (await guarded().fetch(server.url, USER)).text()).toBe('');
  });

  test.each([['gzip'], ['br']])('that does not decode is malformed: %s', async (encoding) => {
    const server = await answering((response) =>
      response.setHeader('content-encoding', encoding).end('this was never packed'),
    );
    const response = await guarded().fetch(server.url, USER);
    expect(await failureOf(response.text())).toMatchObject({ code: 'malformed-answer', sent: true });
  });

  test('that breaks off fails when read', async () => {
    const server = await answering((response) => {
      response.setHeader('content-length', 100).write('a', () => response.socket?.destroy());
    });
    const response = await guarded().fetch(server.url, USER);
    expect(await failureOf(response.text())).toMatchObject({ code: 'reset', sent: true });
  });

  test.each([['identity'], ['gzip']])(
    'that is not read may fail without an unhandled rejection: %s',
    async (encoding) => {
      const caller = new AbortController();
      const server = await answering((response) =>
        response.setHeader('content-encoding', encoding).flushHeaders(),
      );
      const response = await guarded().fetch(server.url, { ...USER, signal: caller.signal });
      caller.abort();
      // An error event without a listener would have ended the process by now.
      await connectionFree();
      expect(await failureOf(response.text())).toMatchObject({ code: 'aborted', sent: true });
    },
  );

  test.each([['identity'], ['gzip']])('is read event by event: %s', async (encoding) => {
    const nextEvent = moment();
    const server = await answering(async (response) => {
      const output = encoding === 'gzip' ? createGzip() : new PassThrough();
      output.pipe(response.setHeader('content-encoding', encoding));
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        output.write(event);
        if ('flush' in output) output.flush();
        await nextEvent.reached;
      }
      output.end();
    });
    const response = await guarded().fetch(server.url, { ...USER, bodyTimeoutMs: 0 });
    const events: string[] = [];
    for await (const chunk of response.body ?? []) {
      events.push(Buffer.from(chunk).toString());
      nextEvent.reach();
    }
    expect(events).toEqual(['data: 1\n\n', 'data: 2\n\n']);
  });

  test('that is cancelled in the middle closes the connection', async () => {
    const closed = moment();
    const server = await answering((response) => response.on('close', closed.reach).write('data: 1\n\n'));
    const response = await guarded().fetch(server.url, { ...USER, bodyTimeoutMs: 0 });
    const reader = response.body?.getReader();
    await reader?.read();
    const pending = reader?.read();
    await reader?.cancel();
    await closed.reached;
    expect(await pending).toMatchObject({ done: true });
  });

  test('fails as aborted when the caller aborts while reading', async () => {
    const caller = new AbortController();
    const server = await answering((response) => response.write('data: 1\n\n'));
    const response = await guarded().fetch(server.url, { ...USER, signal: caller.signal });
    const reading = failureOf(response.text());
    caller.abort();
    expect(await reading).toMatchObject({ code: 'aborted', sent: true });
  });

  test.each([
    ['GET', 204, 1],
    ['GET', 304, 1],
    ['HEAD', 200, 2],
  ])(
    'is absent from the answer to %s with %i; two requests take %i connections',
    async (method, status, count) => {
      const server = await answering((response) => response.writeHead(status).end());
      const { fetch } = guarded();
      for (const _ of ['first', 'second']) {
        const response = await fetch(server.url, { ...USER, method });
        expect(response).toMatchObject({ status, body: null });
        await connectionFree();
      }
      expect(server.sockets).toHaveLength(count);
    },
  );
});
