import { describe, expect, test } from 'vitest';
import { httpStatus, initializeResult, rpcError, rpcResult } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

async function resultOf(result: unknown) {
  const server = await scriptedServer();
  server.on('tools/call', rpcResult(result));
  return { server, outcome: await testAdapter().callTool(targetOf(server.url), callOf()) };
}

describe('a tool’s result', () => {
  test('is passed on unchanged, whatever content it has', async () => {
    const content = [
      { type: 'text', text: 'a', annotations: { audience: ['user'], priority: 0.5 }, _meta: { 'x/y': 1 } },
      { type: 'image', data: 'AAAA', mimeType: 'image/png', _meta: { deep: { er: true } } },
      { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
      { type: 'resource_link', uri: 'file:///a', name: 'a', size: 3, custom: null },
      { type: 'resource', resource: { uri: 'file:///b', text: 'b', _meta: { a: 1 } } },
      { type: 'hologram', of: 'the future' },
      'not even an object',
    ];
    const structuredContent = { a: [1, { b: null }] };
    const { outcome } = await resultOf({
      content,
      structuredContent,
      isError: false,
      _meta: { a: 1 },
      extra: 1,
    });
    expect(outcome).toEqual({ kind: 'completed', isError: false, result: { content, structuredContent } });
  });

  test('may be structured content alone', async () => {
    const { outcome } = await resultOf({ structuredContent: { a: 1 } });
    expect(outcome).toEqual({
      kind: 'completed',
      isError: false,
      result: { content: [], structuredContent: { a: 1 } },
    });
  });

  test.each([
    ['nothing at all', {}],
    ['null', null],
    ['null in all its members', { content: null, structuredContent: null, isError: null, _meta: null }],
    ['an isError that is no boolean', { content: [], isError: 'yes' }],
  ])('of %s is a warning, since the tool has run', async (_, result) => {
    expect((await resultOf(result)).outcome).toEqual({
      kind: 'completed',
      isError: false,
      result: { content: [], warnings: [expect.any(String)] },
    });
  });

  const text = (value: string) => [{ type: 'text', text: value }];
  test.each<[string, unknown, unknown[]]>([
    ['a bare text', 'done', text('done')],
    ['a bare number', 7, text('7')],
    ['bare content', text('done'), text('done')],
    ['content that is a text', { content: 'done' }, text('done')],
    ['content that is one item', { content: text('done')[0] }, text('done')],
    ['what the first revision allowed', { toolResult: { a: 1 } }, text('{"toolResult":{"a":1}}')],
    ['structured content that is a text', { content: [], structuredContent: 'done' }, text('done')],
    ['structured content that is a list', { content: null, structuredContent: [1, 2] }, text('[1,2]')],
    ['structured content that is a number', { structuredContent: 0 }, text('0')],
    ['structured content that is a list of none', { content: [], structuredContent: [] }, text('[]')],
    ['structured content that is false', { structuredContent: false, isError: null }, text('false')],
    [
      'a text beside structured content of another form',
      { content: text('done'), structuredContent: [1] },
      text('done'),
    ],
    ['an object of its own', { value: 'done' }, text('{"value":"done"}')],
    ['a task that nobody asked for', { task: { taskId: 't' } }, text('{"task":{"taskId":"t"}}')],
  ])('that is %s is kept, with a warning', async (_, result, content) => {
    expect((await resultOf(result)).outcome).toEqual({
      kind: 'completed',
      isError: false,
      result: { content, warnings: [expect.any(String)] },
    });
  });

  test('keeps null in content', async () => {
    const content = [{ type: 'text', text: 'a', annotations: null, _meta: null }, null];
    const { outcome } = await resultOf({ content, structuredContent: null, isError: null, _meta: null });
    expect(outcome).toEqual({ kind: 'completed', isError: false, result: { content } });
  });
});

describe('the idempotency key', () => {
  test('travels with the call, beside the SDK’s progress token', async () => {
    const { server } = await resultOf({ content: [] });
    expect((await server.arrived('tools/call')).params).toEqual({
      name: 'echo',
      arguments: {},
      _meta: { 'latchkey/idempotency-key': 'key-1', progressToken: expect.any(Number) },
    });
  });
});

describe('JSON-RPC -32602, and a result that may mean the same', () => {
  const unknown = { kind: 'failed', code: 'unknown-tool' };
  const oneText = rpcResult({ content: [{ type: 'text', text: 'Unknown tool: nope' }], isError: true });

  test.each([
    ['an unknown tool where the list lacks it', 'nope', rpcError(-32602), unknown],
    ['an unknown tool, by another code', 'nope', rpcError(-32601), unknown],
    [
      'arguments where the list has it',
      'echo',
      rpcError(-32602),
      { kind: 'failed', code: 'invalid-arguments' },
    ],
    ['an unknown tool in the words of a result', 'nope', oneText, unknown],
    ['a tool’s own error where the list has it', 'echo', oneText, { kind: 'completed', isError: true }],
  ])('means %s', async (_, tool, reply, expected) => {
    const server = await scriptedServer();
    server.on('tools/call', reply);
    expect(await testAdapter().callTool(targetOf(server.url), callOf({ tool }))).toMatchObject(expected);
    expect(server.count('tools/list')).toBe(1);
    expect(server.count('tools/call')).toBe(1);
  });

  test.each([
    ['arguments', rpcError(-32602), { kind: 'failed', code: 'invalid-arguments' }],
    ['a tool’s own error', oneText, { kind: 'completed', isError: true }],
  ])('counts as %s where the server gives no list', async (_, reply, expected) => {
    const server = await scriptedServer();
    server.on('tools/call', reply);
    server.on('tools/list', httpStatus(500));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toMatchObject(expected);
  });

  test('asks for the list once for a known tool, each time for an unknown one, and never after a success', async () => {
    const server = await scriptedServer();
    const adapter = testAdapter();
    const call = (tool: string) => adapter.callTool(targetOf(server.url), callOf({ tool }));
    await call('echo');
    expect(server.count('tools/list')).toBe(0);
    server.on('tools/call', oneText);
    for (const tool of ['echo', 'echo', 'nope', 'nope']) await call(tool);
    expect(server.count('tools/list')).toBe(3);
  });

  test.each([
    ['-32601, as the specification says', rpcError(-32601)],
    ['-32602', rpcError(-32602)],
    ['-32600', rpcError(-32600)],
    ['-32603', rpcError(-32603)],
    ['a text', oneText],
  ])(
    'is a tool that needs a task where its server, which announced none, refuses it with %s',
    async (_, reply) => {
      const server = await scriptedServer();
      const execution = { taskSupport: 'required' };
      server.on('tools/list', rpcResult({ tools: [{ name: 'echo', execution }] }));
      server.on('tools/call', reply);
      const call = () => adapter.callTool(targetOf(server.url), callOf());
      const adapter = testAdapter();
      const told = { code: 'protocol-error', message: expect.stringContaining('only be called as a task') };
      expect(await call()).toMatchObject(told);
      expect(server.count('tools/call')).toBe(1);
    },
  );

  test.each([
    ['of a tool that may be called as ever', '2025-11-25', 1],
    ['in a revision without tasks', '2025-06-18', 0],
  ])('stays an internal error of the tool: %s', async (_, version, lists) => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult(initializeResult(version)));
    server.on('tools/call', rpcError(-32603, 'disk full'));
    const adapter = testAdapter();
    const call = () => adapter.callTool(targetOf(server.url), callOf());
    for (const outcome of [await call(), await call()]) {
      expect(outcome).toMatchObject({ code: 'tool-error', serverMessage: 'disk full' });
    }
    expect(server.count('tools/list')).toBe(lists);
  });

  test('calls a tool that needed a task once its server lists it otherwise', async () => {
    const server = await scriptedServer();
    const execution = { taskSupport: 'required' };
    server.on(
      'initialize',
      rpcResult({
        ...initializeResult(),
        capabilities: { tools: {}, tasks: { requests: { tools: { call: {} } } } },
      }),
    );
    server.once('tools/list', rpcResult({ tools: [{ name: 'echo', execution }] }));
    const adapter = testAdapter();
    const call = () => adapter.callTool(targetOf(server.url), callOf());
    expect(await call()).toMatchObject({ code: 'protocol-error' });
    expect(server.count('tools/call')).toBe(0);
    expect(await call()).toMatchObject({ kind: 'completed' });
    expect(await call()).toMatchObject({ kind: 'completed' });
    expect(server.count('tools/list')).toBe(2);
  });

  test('calls where the server announces tasks and gives no list', async () => {
    const server = await scriptedServer();
    server.on(
      'initialize',
      rpcResult({ ...initializeResult(), capabilities: { tasks: { requests: { tools: { call: {} } } } } }),
    );
    server.on('tools/list', httpStatus(500));
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toMatchObject({ kind: 'completed' });
  });

  test('takes an error with more than one text for a tool’s own, listed or not', async () => {
    const server = await scriptedServer();
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    server.on('tools/call', rpcResult({ content, isError: true }));
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf({ tool: 'hidden' }));
    expect(outcome).toEqual({ kind: 'completed', isError: true, result: { content } });
    expect(server.count('tools/list')).toBe(0);
  });
});
