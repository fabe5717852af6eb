import { describe, expect, test } from 'vitest';
import { initializeResult, type Reply, rpcResult } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const OURS = '2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05, 2024-10-07';

function refusal(status: number, error: Record<string, unknown>, id?: null): Reply {
  return (response, request) => {
    const body = { jsonrpc: '2.0', id: id === undefined ? request.id : id, error };
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
      .end(JSON.stringify(body));
  };
}

function inForm(type: string, write: (json: string) => string): Reply {
  return (response, { id }) => {
    const json = JSON.stringify({ jsonrpc: '2.0', id, error: unsupported(-32022, NEW) });
    response.writeHead(400, type === '' ? {} : { 'content-type': type }).end(write(json));
  };
}

function unsupported(code: number | string, data: unknown): Record<string, unknown> {
  return { code, message: 'Unsupported protocol version', data };
}

const NEW = { supported: ['2026-07-28'], requested: '2025-11-25' };

describe('a server that supports none of our protocol revisions', () => {
  test.each<[string, Reply, string]>([
    ['400 and -32022', refusal(400, unsupported(-32022, NEW)), 'speaks 2026-07-28'],
    ['the same without an id', refusal(400, unsupported(-32022, NEW), null), 'speaks 2026-07-28'],
    ['200 and -32022', refusal(200, unsupported(-32022, NEW)), 'speaks 2026-07-28'],
    ['400 and -32602', refusal(400, unsupported(-32602, NEW)), 'speaks 2026-07-28'],
    ['200 and -32602', refusal(200, unsupported(-32602, NEW)), 'speaks 2026-07-28'],
    ['422 and -32004', refusal(422, unsupported(-32004, NEW)), 'speaks 2026-07-28'],
    [
      'several revisions',
      refusal(400, unsupported(-32022, { supported: ['2026-07-28', 'DRAFT-2026-v1'] })),
      'speaks 2026-07-28, DRAFT-2026-v1',
    ],
    [
      'revisions under another name',
      refusal(400, unsupported(-32000, { supportedVersions: ['2026-07-28'] })),
      'speaks 2026-07-28',
    ],
    ['-32022 that names none', refusal(400, unsupported(-32022, null)), 'speaks a newer revision only'],
    [
      'a missing header of theirs',
      refusal(400, { code: -32020, message: 'no' }),
      'speaks a newer revision only',
    ],
    ['a text', inForm('text/plain', (json) => json), 'speaks 2026-07-28'],
    ['a body of no type', inForm('', (json) => json), 'speaks 2026-07-28'],
    [
      'a body after a byte order mark',
      inForm('application/json', (json) => `\uFEFF${json}`),
      'speaks 2026-07-28',
    ],
    ['an event', inForm('text/event-stream', (json) => `data: ${json}\n\n`), 'speaks 2026-07-28'],
    [
      'an event without its blank line',
      inForm('text/plain', (json) => `id: 1\ndata: ${json}`),
      'speaks 2026-07-28',
    ],
    ['a batch', inForm('application/json', (json) => `[${json}]`), 'speaks 2026-07-28'],
    ['its code as a text', refusal(400, unsupported('-32022', NEW)), 'speaks 2026-07-28'],
    ['its code as a text, in 200', refusal(200, unsupported('-32022', null)), 'speaks a newer revision only'],
    ['the revisions and no code', refusal(400, { message: 'no', data: NEW }), 'speaks 2026-07-28'],
    ['404 and -32601', refusal(404, { code: -32601, message: 'no' }), 'does not know `initialize`'],
    ['200 and -32601', refusal(200, { code: -32601, message: 'no' }), 'does not know `initialize`'],
    ['another one in its answer', rpcResult(initializeResult('2099-01-01')), 'speaks 2099-01-01'],
    ['what is none in its answer', rpcResult(initializeResult('token=secret')), 'speaks another revision'],
  ])('is reported as such: %s', async (_, reply, spoken) => {
    const server = await scriptedServer();
    server.on('initialize', reply);
    const adapter = testAdapter();
    const call = await adapter.callTool(targetOf(server.url), callOf());
    expect(call).toMatchObject({ kind: 'failed', code: 'protocol-error' });
    if (call.kind !== 'failed') return;
    expect(call.message).toContain(`The MCP server ${spoken}`);
    expect(call.message).toContain(`Latchkey speaks ${OURS}.`);
    expect(call.operatorMessage).toContain(spoken);
    expect(JSON.stringify(call)).not.toContain('secret');
    const list = await adapter.listTools(targetOf(server.url), { timeoutMs: 20_000 });
    expect(list).toEqual(call);
  });

  test.each([
    ['400 and -32022', 400, -32022],
    ['200 and -32602', 200, -32602],
  ])('that supports an older revision of ours is asked for that one once: %s', async (_, status, code) => {
    const server = await scriptedServer();
    const supported = ['2026-07-28', '2025-03-26', '2025-06-18'];
    server.once('initialize', refusal(status, unsupported(code, { supported })));
    server.once('initialize', rpcResult(initializeResult('2025-06-18')));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toMatchObject({ kind: 'completed' });
    const asked = server.seen.filter(({ what }) => what === 'initialize').map(({ params }) => params);
    expect(asked).toMatchObject([{ protocolVersion: '2025-11-25' }, { protocolVersion: '2025-06-18' }]);

    server.on('initialize', refusal(status, unsupported(code, { supported })));
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toMatchObject({ kind: 'failed', code: 'protocol-error' });
    expect(server.count('initialize')).toBe(4);
  });

  test('is reported without its own words', async () => {
    const supported = ['2026-07-28', 'token=secret', '<b>', 7, null, ...Array(50).fill('2026-01-01')];
    const server = await scriptedServer();
    server.on('initialize', refusal(400, unsupported(-32022, { supported })));
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(JSON.stringify(outcome)).not.toMatch(/secret|<b>|Unsupported protocol version/);
    expect(JSON.stringify(outcome).length).toBeLessThan(800);
  });
});

test.each(['2025-03-26', '2025-06-18', '2025-11-25'])(
  'a server that speaks %s runs a tool',
  async (revision) => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult(initializeResult(revision)));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toMatchObject({ kind: 'completed' });
    expect(server.count('tools/call')).toBe(1);
  },
);

describe('a refusal of `initialize` that names no revision', () => {
  test.each<[string, Reply]>([
    ['without a body', refusal(400, {})],
    ['another error', refusal(400, { code: -32600, message: 'no' })],
    [
      'what is no JSON',
      (response) => void response.writeHead(400, { 'content-type': 'application/json' }).end('{'),
    ],
    ['a web page', (response) => void response.writeHead(400, { 'content-type': 'text/html' }).end('<p>')],
    [
      'a body without an end',
      (response) => void response.writeHead(400, { 'content-type': 'application/json' }).write('{'),
    ],
    [
      'a body of a megabyte',
      (response) =>
        void response.writeHead(400, { 'content-type': 'application/json' }).end(' '.repeat(1_000_000)),
    ],
  ])('is reported by its status: %s', async (_, reply) => {
    const server = await scriptedServer();
    server.on('initialize', reply);
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toMatchObject({ code: 'protocol-error', message: 'The MCP server answered HTTP 400.' });
  });

  test('stays a matter of the token with 401, whatever its body says', async () => {
    const server = await scriptedServer();
    server.on('initialize', refusal(401, unsupported(-32022, NEW)));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual({ kind: 'unauthorized' });
  });
});
