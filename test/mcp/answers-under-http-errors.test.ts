import { describe, expect, test } from 'vitest';
import { httpStatus, initializeResult, type Reply, rpcResult } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const RESULT = { content: [{ type: 'text', text: 'done' }] };
const NOT_FOUND = { code: -32000, message: 'customer 42 not found' };
const toolError = { kind: 'failed', code: 'tool-error', serverMessage: 'customer 42 not found' };
const unanswered = { kind: 'lost', cause: 'server-error' };

type Write = (id: string | number | undefined) => unknown;

function answer(status: number, write: Write, type = 'application/json'): Reply {
  return (response, { id }) => {
    const written = write(id);
    response.writeHead(status, type === '' ? {} : { 'content-type': type });
    response.end(typeof written === 'string' ? written : JSON.stringify(written));
  };
}

const failing =
  (error: unknown): Write =>
  (id) => ({ jsonrpc: '2.0', id, error });

async function called(reply: Reply, { session = true, tool = 'echo', maxResultBytes = 1024 * 1024 } = {}) {
  const server = await scriptedServer();
  if (!session) server.on('initialize', rpcResult(initializeResult()));
  server.on('ping', rpcResult({}));
  server.on('tools/call', reply);
  const target = targetOf(server.url, { maxResultBytes });
  return { server, outcome: await testAdapter().callTool(target, callOf({ tool })) };
}

describe('a JSON-RPC answer to the very call, under an HTTP error,', () => {
  test.each([400, 402, 404, 405, 409, 410, 418, 422, 500, 501, 502, 504])(
    'stands with status %i',
    async (status) => {
      const { server, outcome } = await called(answer(status, failing(NOT_FOUND)), { session: false });
      expect(outcome).toMatchObject(toolError);
      expect(server.count('tools/call')).toBe(1);
    },
  );

  test.each([400, 410, 422, 500])('stands with status %i in a session that is known', async (status) => {
    const { server, outcome } = await called(answer(status, failing(NOT_FOUND)));
    expect(outcome).toMatchObject(toolError);
    expect(server.count('initialize')).toBe(1);
    expect(server.count('tools/call')).toBe(1);
  });

  test.each<[string, number, object, string, string]>([
    ['an internal error', 500, { code: -32603, message: 'disk full' }, 'echo', 'tool-error'],
    ['refused arguments', 400, { code: -32602, message: 'disk full' }, 'echo', 'invalid-arguments'],
    ['an unknown tool', 400, { code: -32602, message: 'disk full' }, 'other', 'unknown-tool'],
    ['an unknown method', 501, { code: -32601, message: 'disk full' }, 'echo', 'protocol-error'],
  ])('is judged as with 200: %s', async (_, status, error, tool, code) => {
    const { outcome } = await called(answer(status, failing(error)), { tool });
    expect(outcome).toMatchObject({ kind: 'failed', code, serverMessage: 'disk full' });
  });

  test.each([400, 422, 500])('is a result with status %i', async (status) => {
    const { server, outcome } = await called(
      answer(status, (id) => ({ jsonrpc: '2.0', id, result: RESULT })),
    );
    expect(outcome).toEqual({ kind: 'completed', isError: false, result: RESULT });
    expect(server.count('ping')).toBe(0);
  });

  test.each<[string, Write, string]>([
    ['under another type', failing(NOT_FOUND), 'text/plain'],
    ['under no type', failing(NOT_FOUND), ''],
    ['as a web page, the default of PHP', failing(NOT_FOUND), 'text/html'],
    ['with its id as a text', (id) => failing(NOT_FOUND)(String(id)), 'application/json'],
    [
      'after a byte order mark',
      (id) => `\uFEFF${JSON.stringify(failing(NOT_FOUND)(id))}`,
      'application/json',
    ],
    ['in an event', (id) => `data: ${JSON.stringify(failing(NOT_FOUND)(id))}\n\n`, 'text/event-stream'],
    [
      'in an event with an id and no blank line',
      (id) => `event: message\nid: 1\ndata: ${JSON.stringify(failing(NOT_FOUND)(id))}`,
      'text/event-stream',
    ],
    ['in a long text', (id) => failing({ ...NOT_FOUND, data: 'x'.repeat(200_000) })(id), 'application/json'],
  ])('is read in any form: %s', async (_, write, type) => {
    expect((await called(answer(500, write, type))).outcome).toMatchObject(toolError);
  });

  test('keeps its words where every session is doubted', async () => {
    const server = await scriptedServer();
    server.on('tools/call', answer(400, failing(NOT_FOUND)));
    server.on('ping', httpStatus(400));
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
    expect(outcome).toMatchObject(toolError);
    expect(server.count('tools/call')).toBe(2);
  });

  test('is a list of tools, or the reason why there is none', async () => {
    const server = await scriptedServer();
    server.once(
      'tools/list',
      answer(422, (id) => ({ jsonrpc: '2.0', id, result: { tools: [] } })),
    );
    server.once('tools/list', answer(422, failing(NOT_FOUND)));
    const list = () => testAdapter().listTools(targetOf(server.url), { timeoutMs: 20_000 });
    expect(await list()).toEqual({ kind: 'listed', tools: [] });
    expect(await list()).toMatchObject({ message: 'The MCP server answered with JSON-RPC error -32000.' });
  });
});

describe('an HTTP error is judged by its status', () => {
  test.each<[string, Reply]>([
    ['an error without an id', answer(500, () => failing(NOT_FOUND)(undefined))],
    ['an error of another request', answer(500, () => failing(NOT_FOUND)(999))],
    ['an event without an id', answer(500, () => 'data: {"jsonrpc":"2.0","error":{"code":7}}\n\n')],
    ['half of an answer', answer(500, (id) => `{"id":${id},"error":{"code":7`)],
    ['a web page', answer(500, () => '<p>', 'text/html')],
    ['nothing', httpStatus(500)],
  ])('where its body holds %s', async (_, reply) => {
    expect((await called(reply)).outcome).toEqual(unanswered);
  });

  test('where its body is over the limit', async () => {
    const reply = answer(500, failing({ ...NOT_FOUND, data: 'x'.repeat(2_000) }));
    expect((await called(reply, { maxResultBytes: 1_024 })).outcome).toEqual(unanswered);
  });

  test('where its body does not end', async () => {
    const reply: Reply = (response) => void response.writeHead(500).write('{"jsonrpc":');
    expect((await called(reply)).outcome).toEqual(unanswered);
  }, 20_000);

  test.each<[number, object]>([
    [401, { kind: 'unauthorized' }],
    [403, { kind: 'failed', code: 'forbidden' }],
    [404, { kind: 'not-sent', cause: 'unavailable' }],
    [429, { kind: 'not-sent', cause: 'rate-limited' }],
    [503, { kind: 'not-sent', cause: 'unavailable' }],
  ])('%i whatever its body holds', async (status, expected) => {
    expect((await called(answer(status, failing(NOT_FOUND)))).outcome).toMatchObject(expected);
  });
});
