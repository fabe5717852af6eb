import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { probeAuthorization } from '../../src/mcp/http/probe-authorization.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import {
  events,
  hang,
  httpStatus,
  initializeResult,
  reset,
  type ScriptedMcpServer,
  startScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';

let server: ScriptedMcpServer;

beforeEach(async () => {
  server = await startScriptedMcpServer();
  return () => server.close();
});

function probe(headers: Record<string, string> = {}, options = {}) {
  const network = createGuardedFetch({ policy: 'development' });
  onTestFinished(() => network.close(0));
  return probeAuthorization(
    network.fetch,
    { url: server.url, headers },
    { clientVersion: '1.2.3', ...options },
  );
}

const challenge = (value: string, status = 401) => httpStatus(status, { 'www-authenticate': value });

test('reads the challenge of a server that wants a token', async () => {
  server.on(
    'initialize',
    challenge('Basic realm="a", Bearer resource_metadata="https://mcp.example/m?a=b", scope="files:read a"'),
  );

  expect(await probe({ 'X-Team': 'a', Authorization: 'Bearer never' })).toEqual({
    kind: 'challenged',
    resourceMetadataUrl: 'https://mcp.example/m?a=b',
    scope: 'files:read a',
  });
  expect(server.seen).toHaveLength(1);
  expect(server.seen[0]?.headers).toMatchObject({ 'x-team': 'a', accept: expect.stringContaining('json') });
  expect(server.seen[0]?.headers).not.toHaveProperty('authorization');
  expect(server.seen[0]?.params.clientInfo).toEqual({ name: 'latchkey', version: '1.2.3' });
});

test.each([
  ['no challenge', httpStatus(401), { kind: 'challenged' }],
  ['a bare challenge', challenge('Bearer'), { kind: 'challenged' }],
  ['a scope of odd characters', challenge('Bearer scope="a \\"b"'), { kind: 'challenged' }],
  ['a scope without end', challenge(`Bearer scope="${'a'.repeat(3_000)}"`), { kind: 'challenged' }],
  [
    'a second challenge that says where',
    challenge('Bearer, Bearer resource_metadata="https://a.example"'),
    { kind: 'challenged', resourceMetadataUrl: 'https://a.example' },
  ],
  ['a 403 with a challenge', challenge('Bearer scope="a"', 403), { kind: 'challenged', scope: 'a' }],
  ['a 403 without one', httpStatus(403), { kind: 'other', status: 403 }],
  ['a 404', httpStatus(404), { kind: 'other', status: 404 }],
  ['a 503', httpStatus(503), { kind: 'other', status: 503 }],
  ['a redirect to another place', httpStatus(307, { location: '/other' }), { kind: 'other', status: 307 }],
  ['a cut connection', reset(), { kind: 'unavailable', cause: 'reset' }],
])('takes %s for what it is', async (_what, reply, expected) => {
  server.on('initialize', reply);

  expect(await probe()).toEqual(expected);
});

test('ends the session that a server opens without a token', async () => {
  expect(await probe({ 'X-Team': 'a' })).toEqual({ kind: 'open' });

  expect(server.seen.map(({ what }) => what)).toEqual([
    'initialize',
    'notifications/initialized',
    'tools/list',
    'DELETE',
  ]);
  for (const { headers } of server.seen.slice(1)) {
    expect(headers).toMatchObject({ 'mcp-session-id': 'session-1', 'x-team': 'a' });
  }
});

test('reads the challenge of a server that lets anybody initialize', async () => {
  server.on('tools/list', challenge('Bearer resource_metadata="https://mcp.example/m", scope="a"'));

  expect(await probe()).toEqual({
    kind: 'challenged',
    resourceMetadataUrl: 'https://mcp.example/m',
    scope: 'a',
  });
  expect(server.count('DELETE')).toBe(1);
});

test('takes a server for open whose list fails without a challenge', async () => {
  server.on('tools/list', httpStatus(500));

  expect(await probe()).toEqual({ kind: 'open' });
});

test('does not wait for the end of an open stream', async () => {
  const message = { jsonrpc: '2.0', id: 1, result: initializeResult() };
  server.on(
    'initialize',
    events(() => [message], { open: true }),
  );

  expect(await probe()).toEqual({ kind: 'open' });
});

test('follows the redirect to the same URL with a slash, as web frameworks send it', async () => {
  server.once('initialize', httpStatus(307, { location: '/mcp/' }));
  server.once('initialize', challenge('Bearer scope="a"'));

  expect(await probe()).toEqual({ kind: 'challenged', scope: 'a' });

  expect(server.seen.map(({ path }) => path)).toEqual(['/mcp', '/mcp/']);
});

test('gives up a server that does not answer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  server.on('initialize', hang());
  const probing = probe();
  await server.arrived('initialize');

  await vi.advanceTimersByTimeAsync(10_000);

  expect(await probing).toMatchObject({ kind: 'unavailable' });
});

test('never reaches an address that the network policy refuses', async () => {
  const network = createGuardedFetch({ policy: 'public' });
  onTestFinished(() => network.close(0));

  const target = { url: server.url, headers: {} };
  expect(await probeAuthorization(network.fetch, target, { clientVersion: '1.2.3' })).toEqual({
    kind: 'unavailable',
    cause: 'scheme-refused',
  });
  expect(server.seen).toEqual([]);
});
