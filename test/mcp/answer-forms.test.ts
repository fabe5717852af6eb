import { describe, expect, test } from 'vitest';
import { events, initializeResult, type Reply, reset, rpcResult } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const BOM = '\uFEFF';
const RESULT = { content: [{ type: 'text', text: 'é done' }] };
const done = { kind: 'completed', isError: false, result: RESULT };
const protocolError = { kind: 'failed', code: 'protocol-error' };
const lost = { kind: 'lost', cause: 'stream-ended' };

type Id = string | number | undefined;

async function callAnswered(reply: Reply, changes: Parameters<typeof callOf>[0] = {}) {
  const server = await scriptedServer();
  server.on('tools/call', reply);
  const outcome = await testAdapter().callTool(targetOf(server.url), callOf(changes));
  return { server, outcome };
}

/** Sends the answer in a body of this media type, if any. */
function inBody(
  write: (id: Id) => unknown,
  type: string | undefined = 'application/json',
  prefix = '',
): Reply {
  return (response, { id }) => {
    response.writeHead(200, type === '' ? {} : { 'content-type': type });
    const written = write(id);
    response.end(prefix + (typeof written === 'string' ? written : JSON.stringify(written)));
  };
}

/** Sends the answer in an event stream of these chunks. */
function inStream(
  chunks: (answer: string) => (string | Buffer)[],
  { open = false, type = 'text/event-stream' } = {},
) {
  const reply: Reply = async (response, { id }) => {
    response.writeHead(200, { 'content-type': type });
    for (const chunk of chunks(JSON.stringify({ jsonrpc: '2.0', id, result: RESULT }))) {
      await new Promise((resolve) => response.write(chunk, resolve));
      await new Promise(setImmediate);
    }
    if (!open) response.end();
  };
  return reply;
}

describe('an answer in JSON is read for what it says', () => {
  test.each<[string, (id: Id) => unknown]>([
    ['with a null error', (id) => ({ jsonrpc: '2.0', id, result: RESULT, error: null })],
    [
      'with a null method, params and _meta',
      (id) => ({ jsonrpc: '2.0', id, method: null, params: null, _meta: null, result: RESULT }),
    ],
    [
      'with an error of zero values',
      (id) => ({ jsonrpc: '2.0', id, result: RESULT, error: { code: 0, message: '' } }),
    ],
    ['with its id as a text', (id) => ({ jsonrpc: '2.0', id: String(id), result: RESULT })],
    ['with a null id', () => ({ jsonrpc: '2.0', id: null, result: RESULT })],
    ['without an id', () => ({ jsonrpc: '2.0', result: RESULT })],
    ['without an id and a version', () => ({ result: RESULT })],
    ['with null for id and version', () => ({ jsonrpc: null, id: null, result: RESULT, error: null })],
    ['without a version', (id) => ({ id, result: RESULT })],
    ['of another version', (id) => ({ jsonrpc: '1.0', id, result: RESULT })],
    [
      'with more members than there should be',
      (id) => ({ jsonrpc: '2.0', id, result: RESULT, timestamp: 1, status: 'ok' }),
    ],
    [
      'in a batch',
      (id) => [
        { jsonrpc: '2.0', id: 999, result: {} },
        { jsonrpc: '2.0', id, result: RESULT },
      ],
    ],
    [
      'with null members in the result',
      (id) => ({
        jsonrpc: '2.0',
        id,
        result: { ...RESULT, isError: null, structuredContent: null, _meta: null },
      }),
    ],
  ])('%s', async (_, write) => {
    expect((await callAnswered(inBody(write))).outcome).toEqual(done);
  });

  test.each<[string, string, string]>([
    ['after a byte order mark', 'application/json', BOM],
    ['after a byte order mark and blanks', 'application/json; charset=utf-8', `${BOM} \r\n`],
    ['after keep-alive blanks', 'application/json', ' '.repeat(2_000)],
    ['without a type', '', ''],
    ['as text', 'text/plain; charset=utf-8', ''],
    ['as JSON-RPC', 'application/json-rpc', ''],
    ['as a web page, the default of PHP', 'text/html; charset=UTF-8', BOM],
    ['as an event stream', 'text/event-stream', ''],
    ['as bytes', 'application/octet-stream', ''],
  ])('%s', async (_, type, prefix) => {
    const reply = inBody((id) => ({ jsonrpc: '2.0', id, result: RESULT }), type, prefix);
    expect((await callAnswered(reply)).outcome).toEqual(done);
  });

  test.each<[string, (id: Id) => unknown]>([
    ['the answer to another request', () => ({ jsonrpc: '2.0', id: 999, result: RESULT })],
    ['a result of something else than JSON-RPC', () => ({ success: false, result: null, errors: [] })],
    ['an error of something else than JSON-RPC', () => ({ error: 'unauthorized' })],
    ['results of something else than JSON-RPC', () => [{ result: RESULT }, { result: RESULT }]],
    ['a list of results', () => ({ result: [RESULT] })],
    ['an error with a word for a code', () => ({ error: { code: 'unauthorized', message: 'no' } })],
    ['a request', (id) => ({ jsonrpc: '2.0', id, method: 'ping', result: {} })],
    ['no member that answers', (id) => ({ jsonrpc: '2.0', id })],
    ['an empty batch', () => []],
    ['half of an answer', (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[`],
    ['two answers in one text', (id) => `{"id":${id},"result":{}}{"id":${id},"result":{}}`],
    ['nothing', () => ''],
  ])('and stays a protocol error where it is %s', async (_, write) => {
    expect((await callAnswered(inBody(write))).outcome).toMatchObject(protocolError);
  });
});

describe('an answer in an event stream is read', () => {
  test.each<[string, Reply]>([
    ['without the blank line at its end', inStream((answer) => [`data: ${answer}\n`])],
    ['without even the end of its line', inStream((answer) => [`event: message\ndata: ${answer}`])],
    [
      'without the blank line, after other events',
      inStream((answer) => [': hi\n\nid: 1\ndata:\n\n', `id: 2\ndata: ${answer}`]),
    ],
    [
      'without the blank line, and then cut off',
      reset(inStream((answer) => [`data: ${answer}\n`], { open: true })),
    ],
    ['after a byte order mark', inStream((answer) => [`${BOM}data: ${answer}\n\n`])],
    [
      'after a byte order mark in pieces',
      inStream((answer) =>
        [...Buffer.from(BOM), 0x64].map((byte) => Buffer.of(byte)).concat(Buffer.from(`ata: ${answer}\n\n`)),
      ),
    ],
    ['after a byte order mark in its data', inStream((answer) => [`data: ${BOM}${answer}\n\n`])],
    [
      'with lines that end with CR, while it stays open',
      inStream((answer) => [`event: message\rdata: ${answer}\r\r`], { open: true }),
    ],
    [
      'with lines that end with CRLF',
      inStream((answer) => [`event: message\r\ndata: ${answer}\r\n\r\n`], { open: true }),
    ],
    ['with a CRLF in two pieces', inStream((answer) => [`data: ${answer}\r`, '\n\r', '\n'], { open: true })],
    ['with CR and without the blank line', inStream((answer) => [`data: ${answer}\r`])],
    ['under another name', inStream((answer) => [`event: response\ndata: ${answer}\n\n`], { open: true })],
    ['after a heartbeat that is not JSON', inStream((answer) => ['data: ping\n\n', `data: ${answer}\n\n`])],
    ['over several lines', inStream((answer) => [`data: {\ndata:${answer.slice(1)}\n\n`])],
    ['in a batch', inStream((answer) => [`data: [${answer}]\n\n`], { open: true })],
    [
      'in a body of another type',
      inStream((answer) => [`event: message\ndata: ${answer}\n\n`], { open: true, type: 'text/plain' }),
    ],
    ['in a body that says JSON', inStream((answer) => [`data: ${answer}\n\n`], { type: 'application/json' })],
  ])('%s', async (_, reply) => {
    const { server, outcome } = await callAnswered(reply);
    expect(outcome).toEqual(done);
    expect(server.count('tools/call')).toBe(1);
  });

  test.each<[string, Reply]>([
    ['half of it', inStream((answer) => [`data: ${answer.slice(0, -2)}`])],
    ['half of it, with the end of its line', inStream((answer) => [`data: ${answer.slice(0, -2)}\n`])],
    ['the answer to another request', inStream(() => ['data: {"jsonrpc":"2.0","id":999,"result":{}}'])],
    ['a result without an id and a version', inStream(() => ['data: {"result":{"content":[]}}'])],
    ['a note', inStream(() => ['data: {"jsonrpc":"2.0","method":"notifications/message"}'])],
  ])('and is lost where the last event without its blank line is %s', async (_, reply) => {
    expect((await callAnswered(reply)).outcome).toEqual(lost);
  });

  test('and resumed from the event before one that was cut', async () => {
    const server = await scriptedServer();
    server.on('tools/call', (response, request) => {
      server.once(
        'GET',
        events(() => [{ jsonrpc: '2.0', id: request.id ?? 0, result: RESULT }]),
      );
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('retry: 1\nid: e1\ndata:\n\nid: e2\ndata: {"jsonrpc":"2.0"');
    });
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(done);
    expect((await server.arrived('GET')).headers['last-event-id']).toBe('e1');
  });
});

describe('what the server says before it answers', () => {
  test('keeps the call alive also with null for what it does not say', async () => {
    const progress: { progress: number }[] = [];
    const reply: Reply = (response, { id, params }) => {
      const { progressToken } = params._meta as { progressToken: number };
      const note = { progressToken, progress: 1, total: null, message: null, _meta: null };
      const written = [
        { id: null, method: 'notifications/progress', params: note },
        { jsonrpc: '2.0', id: 'p', method: 'ping', params: null },
        { jsonrpc: '2.0', id, result: RESULT, error: null },
      ];
      events(() => written)(response, { what: 'tools/call', path: '/mcp', headers: {}, params, text: '' });
    };
    const { server, outcome } = await callAnswered(reply, { onProgress: (note) => progress.push(note) });
    expect(outcome).toEqual(done);
    expect(progress).toEqual([{ progress: 1 }]);
    expect(await server.arrived('response')).toMatchObject({ id: 'p', result: {} });
  });
});

describe('an answer to initialize is read', () => {
  const whole = initializeResult();
  test.each<[string, unknown]>([
    [
      'with null for what it may leave out',
      {
        ...whole,
        instructions: null,
        _meta: null,
        serverInfo: { name: 's', version: '1', title: null, icons: null, websiteUrl: null },
      },
    ],
    [
      'with null for capabilities',
      {
        ...whole,
        capabilities: {
          tools: null,
          prompts: null,
          logging: null,
          completions: null,
          experimental: null,
          tasks: null,
        },
      },
    ],
    [
      'with null for members of capabilities',
      { ...whole, capabilities: { tools: { listChanged: null }, resources: { subscribe: null } } },
    ],
    ['without capabilities', { ...whole, capabilities: null }],
    [
      'with empty arrays for objects, as PHP writes them',
      { ...whole, capabilities: { tools: [], logging: [] } },
    ],
    ['with an empty array for capabilities', { ...whole, capabilities: [] }],
    ['without a name of the server', { ...whole, serverInfo: null }],
    ['with a name that is none', { ...whole, serverInfo: { name: null, version: 2 } }],
    ['with instructions that are no text', { ...whole, instructions: ['a'] }],
  ])('%s', async (_, result) => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult(result));
    server.on('tools/call', rpcResult(RESULT));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(done);
    expect(server.seen.at(-1)?.headers['mcp-protocol-version']).toBe('2025-11-25');
  });

  test.each<[string, Reply]>([
    [
      'with a null error and after a byte order mark',
      inBody((id) => ({ jsonrpc: '2.0', id, result: whole, error: null }), 'application/json', BOM),
    ],
    [
      'in a stream without a blank line',
      (response, { id }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(`data: ${JSON.stringify({ id, result: whole })}`);
      },
    ],
  ])('%s', async (_, reply) => {
    const server = await scriptedServer();
    server.on('initialize', reply);
    server.on('tools/call', rpcResult(RESULT));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(done);
  });

  test.each<[string, unknown]>([
    ['names no revision', { ...whole, protocolVersion: null }],
    ['is null', null],
    ['is a text', 'hello'],
  ])('and stays a protocol error where it %s', async (_, result) => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult(result));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toMatchObject(protocolError);
    expect(server.count('tools/call')).toBe(0);
  });
});
