import { describe, expect, test } from 'vitest';
import { initializeResult, type Reply, rpcError, rpcResult } from '../support/scripted-mcp-server.ts';
import { targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const WORDS = { message: expect.any(String), operatorMessage: expect.any(String) };
const protocolError = { kind: 'failed', code: 'protocol-error', ...WORDS };
const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });

/** Answers pages by cursor. The first page has no cursor. */
function pages(byCursor: (cursor: string | undefined) => unknown): Reply {
  return (response, request) => {
    const { cursor } = request.params;
    rpcResult(byCursor(typeof cursor === 'string' ? cursor : undefined))(response, request);
  };
}

async function listOf(reply: Reply) {
  const server = await scriptedServer();
  server.on('tools/list', reply);
  return { server, outcome: await testAdapter().listTools(targetOf(server.url), { timeoutMs: 20_000 }) };
}

describe('a list of tools', () => {
  test('has all pages, in order', async () => {
    const { outcome, server } = await listOf(
      pages((cursor = '0') => {
        const page = Number(cursor);
        return { tools: [tool(`t${page}`)], nextCursor: page < 4 ? String(page + 1) : undefined };
      }),
    );
    expect(outcome).toEqual({ kind: 'listed', tools: [0, 1, 2, 3, 4].map((n) => tool(`t${n}`)) });
    expect(server.count('tools/list')).toBe(5);
  });

  test.each([
    ['an empty one', { tools: [] }],
    ['an empty cursor', { tools: [], nextCursor: '' }],
    ['a null cursor', { tools: [], nextCursor: null }],
    ['null', { tools: null }],
    ['left out, as Go does', {}],
    ['left out, beside other members', { nextCursor: null, _meta: {} }],
    ['an empty object', { tools: {} }],
    ['an empty array for the object, as PHP writes it', []],
    ['a cursor of 0', { tools: [], nextCursor: 0 }],
    ['a cursor that is false', { tools: [], nextCursor: false }],
    ['a cursor that is an object', { tools: [], nextCursor: {} }],
  ])('may be empty: %s', async (_, page) => {
    expect((await listOf(rpcResult(page))).outcome).toEqual({ kind: 'listed', tools: [] });
  });

  test.each([
    ['null', null],
    ['a text', 'none'],
    ['an object with members', { tools: { echo: {} } }],
    ['a text for tools', { tools: 'none' }],
  ])('is refused when it is not a list: %s', async (_, result) => {
    expect((await listOf(rpcResult(result))).outcome).toEqual(protocolError);
  });

  test('is empty where the server announces no tools and knows no such method', async () => {
    const server = await scriptedServer();
    server.on('initialize', rpcResult({ ...initializeResult(), capabilities: {} }));
    server.on('tools/list', rpcError(-32601));
    const outcome = await testAdapter().listTools(targetOf(server.url), { timeoutMs: 20_000 });
    expect(outcome).toEqual({ kind: 'listed', tools: [] });
  });

  test.each([
    ['comes back at once', () => 'again'],
    ['comes back after others', (cursor = 'a') => ({ a: 'b', b: 'c', c: 'a' })[cursor]],
  ])('is refused when a cursor %s', async (_, next) => {
    const { outcome } = await listOf(pages((cursor) => ({ tools: [tool('t')], nextCursor: next(cursor) })));
    expect(outcome).toEqual(protocolError);
  });

  test('is refused when it does not end', async () => {
    const server = await scriptedServer();
    const endless = pages((cursor = '0') => ({ tools: [], nextCursor: String(Number(cursor) + 1) }));
    server.on('tools/list', endless);
    const outcome = await testAdapter().listTools(targetOf(server.url), { timeoutMs: 50_000 });
    expect(outcome).toEqual(protocolError);
    expect(server.count('tools/list')).toBeLessThanOrEqual(1_001);
  });

  test('has one time limit for all pages', async () => {
    const server = await scriptedServer();
    const slow: Reply = (response, request) => {
      const page = Number(request.params.cursor ?? 0);
      setTimeout(() => rpcResult({ tools: [], nextCursor: String(page + 1) })(response, request), 200);
    };
    server.on('tools/list', slow);
    const outcome = await testAdapter().listTools(targetOf(server.url), { timeoutMs: 2_000 });
    expect(outcome).toEqual({ kind: 'unavailable', cause: 'timeout' });
    expect(server.count('tools/list')).toBeGreaterThan(1);
  });

  test('leaves out invalid tools and invalid fields of valid ones', async () => {
    const hopeless = [null, 'x', {}, { name: '' }, { name: 7 }, { name: 'bad', inputSchema: 'none' }];
    const tools = [
      ...hopeless,
      { name: 'bare' },
      { name: 'null-schema', inputSchema: null, description: null, title: null, annotations: null },
      { name: 'php-schema', inputSchema: [] },
      { ...tool('sloppy'), description: 7, annotations: { readOnlyHint: 'yes', idempotentHint: true, x: 1 } },
      { ...tool('odd'), annotations: 'none', outputSchema: 'none', title: 7 },
    ];
    expect((await listOf(rpcResult({ tools }))).outcome).toEqual({
      kind: 'listed',
      tools: [
        ...['bare', 'null-schema', 'php-schema'].map(tool),
        { ...tool('sloppy'), annotations: { idempotentHint: true } },
        tool('odd'),
      ],
    });
  });

  test('passes on every valid field of a tool', async () => {
    const icons = [
      { src: 'https://a.example/i.png', mimeType: 'image/png', sizes: ['48x48'], theme: 'dark' },
    ];
    const whole = {
      ...tool('whole'),
      title: 'All of it',
      description: 'Has everything',
      outputSchema: { type: 'object', properties: { a: { type: 'string' } } },
      annotations: { title: 'Another title', readOnlyHint: true },
      execution: { taskSupport: 'optional' },
      icons,
    };
    const oddIcons = [
      'x',
      null,
      {},
      { src: 7 },
      { src: 'javascript:alert(1)' },
      { src: 'file:///etc/passwd' },
    ];
    const tools = [
      whole,
      {
        ...tool('odd'),
        title: ['x'],
        outputSchema: [],
        execution: { taskSupport: 7, other: 1 },
        icons: oddIcons,
      },
      { ...tool('half'), icons: [...oddIcons, { ...icons[0], theme: null }], execution: 'none', title: '' },
      { ...tool('nulls'), title: null, outputSchema: null, execution: null, icons: null },
    ];
    const { theme: _, ...withoutTheme } = icons[0] ?? {};
    expect((await listOf(rpcResult({ tools }))).outcome).toEqual({
      kind: 'listed',
      tools: [
        whole,
        { ...tool('odd'), execution: { other: 1 } },
        { ...tool('half'), icons: [withoutTheme], title: '' },
        tool('nulls'),
      ],
    });
  });

  test('passes schemas on that no validator would take', async () => {
    const inputSchema = {
      type: 'object',
      properties: { a: { $ref: '#/nowhere' } },
      required: 'a',
      pattern: '(',
    };
    const { outcome } = await listOf(
      rpcResult({ tools: [{ name: 'odd', inputSchema, outputSchema: { type: 7 } }] }),
    );
    expect(outcome).toEqual({
      kind: 'listed',
      tools: [{ name: 'odd', inputSchema, outputSchema: { type: 7 } }],
    });
  });
});
