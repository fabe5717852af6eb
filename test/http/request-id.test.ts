import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { notesTest, STEP } from './fixtures.ts';
import { type HttpFixture, token } from './http-fixture.ts';

const test = notesTest;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const linesOf = (fixture: HttpFixture, id: string) =>
  fixture
    .logged()
    .split('\n')
    .filter((line) => line.includes(id))
    .map((line) => JSON.parse(line));

describe('the id of a request', () => {
  test('is taken from the caller, and stands in the answer and in every log line', async ({ fixture }) => {
    const { servers, logger } = fixture.deps;
    const { find } = servers;
    servers.find = async (id) => {
      logger.warn('a line of code that knows no requests');
      return find(id);
    };
    const id = 'lb-0123/abc:~=+.9';
    const answer = await fixture.ask({
      method: 'POST',
      url: '/steps',
      payload: STEP,
      headers: { 'x-request-id': id },
    });
    servers.find = find;
    expect(answer.headers['x-request-id']).toBe(id);
    const lines = linesOf(fixture, id);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'a line of code that knows no requests',
      'step started',
      'answered',
    ]);
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set([id]));
  });

  test.for([
    ['at once', 0],
    ['long after its headers', 100],
  ] as const)('stands in log lines of a request whose body arrives %s', async ([, ms], { fixture, port }) => {
    const { servers, logger } = fixture.deps;
    const { find } = servers;
    servers.find = async (id) => {
      logger.warn('a line of code that knows no requests');
      return find(id);
    };
    const id = `body-after-${ms}`;
    const body = JSON.stringify({ ...STEP, stepId: id });
    // Two requests on one socket: the second has the socket's events in common with the first.
    const socket = connect(port, '127.0.0.1').resume();
    for (const [suffix, connection] of [
      ['first', 'keep-alive'],
      ['second', 'close'],
    ]) {
      const head = [
        'POST /steps HTTP/1.1',
        'Host: latchkey',
        `Authorization: Bearer ${await token({ sub: 'alice' })}`,
        `X-Request-Id: ${id}-${suffix}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        `Connection: ${connection}`,
      ];
      const arrived = once(fixture.app.server, 'request');
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      await arrived;
      await delay(ms);
      const answered = once(socket, connection === 'close' ? 'close' : 'data');
      socket.write(body);
      await answered;
    }
    servers.find = find;

    for (const suffix of ['first', 'second']) {
      expect(linesOf(fixture, `${id}-${suffix}`).map(({ msg }) => msg)).toContain(
        'a line of code that knows no requests',
      );
    }
  });

  test.for([
    ['is too long', 'x'.repeat(129)],
    ['holds a space', 'a b'],
    ['holds a quote', 'a"b'],
    ['is empty', ''],
  ])('is a new one where the caller’s %s', async ([, sent], { fixture }) => {
    const answer = await fixture.ask({ url: '/steps', headers: { 'x-request-id': sent } });
    expect(answer.headers['x-request-id']).toMatch(UUID);
  });

  test('is a new one without the header, and the instance of a problem', async ({ fixture }) => {
    const own = await fixture.ask({ url: '/steps/none' });
    expect(own.json().instance).toBe(`urn:uuid:${own.headers['x-request-id']}`);
    const sent = await fixture.ask({ url: '/steps/none', headers: { 'x-request-id': 'a/b' } });
    expect(sent.json().instance).toBe('urn:x-request-id:a%2Fb');
  });

  test('is in answers of every kind', async ({ fixture, port }) => {
    const headers = { 'x-request-id': 'every-kind' };
    for (const url of ['/health', '/openapi.json', '/nowhere', '/sign-in', '/assets/none', '/%zz']) {
      expect((await fixture.app.inject({ url, headers })).headers['x-request-id']).toBe('every-kind');
    }
    const wrongMethod = await fixture.app.inject({ method: 'PATCH', url: '/steps', headers });
    expect(wrongMethod.headers['x-request-id']).toBe('every-kind');
    expect(await rawAnswer(port, 'not http\r\n\r\n')).toMatch(/^X-Request-Id: [0-9a-f-]{36}\r$/m);
    expect(await expecting(port)).toBe('every-kind');
  });

  test('goes with the step that the request starts', async ({ fixture }) => {
    const { start } = fixture.steps;
    const starts: unknown[] = [];
    fixture.steps.start = async (input, starting) => {
      starts.push(starting);
      return start(input, starting);
    };
    const payload = { mcpServerId: 'notes', tool: 't', stepId: 'with-id' };
    await fixture.ask({ method: 'POST', url: '/steps', payload, headers: { 'x-request-id': 'start-1' } });
    fixture.steps.start = start;
    expect(starts).toMatchObject([{ requestId: 'start-1' }]);
    expect(linesOf(fixture, 'start-1')).toContainEqual(
      expect.objectContaining({ msg: 'step started', stepId: 'with-id', workflowId: 'step/alice/with-id' }),
    );
  });
});

function rawAnswer(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text)).on('error', reject);
  });
}

function expecting(port: number): Promise<string | string[] | undefined> {
  const headers = { expect: 'a miracle', 'x-request-id': 'every-kind' };
  return new Promise((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', path: '/steps', headers })
      .on('response', (response) => {
        response.resume();
        resolve(response.headers['x-request-id']);
      })
      .on('error', reject)
      .end();
  });
}
