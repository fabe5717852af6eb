import { describe, expect, test } from 'vitest';
import type { McpTarget } from '../../src/mcp/port.ts';
import { type Reply, rpcError } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

async function failureOf(reply: Reply, changes: Partial<McpTarget> = {}, tool = 'echo') {
  const server = await scriptedServer();
  server.on('tools/call', reply);
  const target = targetOf(server.url, changes);
  return { server, outcome: await testAdapter().callTool(target, callOf({ tool })) };
}

async function wordsOf(message: string, changes: Partial<McpTarget> = {}): Promise<unknown> {
  const { outcome } = await failureOf(rpcError(-32000, message), changes);
  return outcome.kind === 'failed' ? outcome.serverMessage : outcome;
}

function answering(message: (id: unknown) => Record<string, unknown>): Reply {
  return (response, { id }) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message(id)));
  };
}

describe('a JSON-RPC error', () => {
  test.each<[number, string]>([
    [-32700, 'protocol-error'],
    [-32600, 'protocol-error'],
    [-32601, 'protocol-error'],
    [-32602, 'invalid-arguments'],
    [-32603, 'tool-error'],
    [-32000, 'tool-error'],
    [-32001, 'tool-error'],
    [-32002, 'tool-error'],
    [-32042, 'tool-error'],
    [0, 'tool-error'],
    [1, 'tool-error'],
    [404, 'tool-error'],
  ])('with code %i is a %s, is not lost, and comes with the server’s words', async (code, expected) => {
    const { server, outcome } = await failureOf(rpcError(code, 'No customer “ACME”'));
    expect(outcome).toEqual({
      kind: 'failed',
      code: expected,
      message: expect.not.stringContaining('ACME'),
      operatorMessage: expect.not.stringContaining('ACME'),
      serverMessage: 'No customer “ACME”',
    });
    expect(server.count('tools/call')).toBe(1);
  });

  test('for a tool that the list lacks is unknown-tool, with the server’s words too', async () => {
    const { outcome } = await failureOf(rpcError(-32602, 'Did you mean echo?'), {}, 'ecko');
    expect(outcome).toMatchObject({ code: 'unknown-tool', serverMessage: 'Did you mean echo?' });
  });

  test.each<[string, (id: unknown) => Record<string, unknown>, object]>([
    [
      'beside a null result',
      (id) => ({ jsonrpc: '2.0', id, result: null, error: { code: 7, message: 'no' } }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    [
      'beside an empty result',
      (id) => ({ jsonrpc: '2.0', id, result: {}, error: { code: 7, message: 'no' } }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    [
      'with null data',
      (id) => ({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no', data: null } }),
      { code: 'invalid-arguments', serverMessage: 'no' },
    ],
    [
      'with its code as a text',
      (id) => ({ jsonrpc: '2.0', id, error: { code: '-32602', message: 'no' } }),
      { code: 'invalid-arguments', serverMessage: 'no' },
    ],
    [
      'with a word for a code',
      (id) => ({ jsonrpc: '2.0', id, error: { code: 'ENOENT', message: 'no' } }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    [
      'with a broken code',
      (id) => ({ jsonrpc: '2.0', id, error: { code: 1.5, message: 'no' } }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    [
      'without a code',
      (id) => ({ jsonrpc: '2.0', id, error: { message: 'no' } }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    [
      'that is a text',
      (id) => ({ jsonrpc: '2.0', id, error: 'no' }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    ...[-32000, -32603, 7, undefined].map((code): [string, () => Record<string, unknown>, object] => [
      `without an id, of the tool: ${code}`,
      () => ({ jsonrpc: '2.0', id: null, error: { code, message: 'customer 42 not found' } }),
      { code: 'tool-error', serverMessage: 'customer 42 not found' },
    ]),
    [
      'without an id and a version',
      () => ({ error: { code: -32000, message: 'no' } }),
      { code: 'tool-error', serverMessage: 'no' },
    ],
    ...[-32700, -32600, -32601, -32602].map((code): [string, () => Record<string, unknown>, object] => [
      `without an id, of the protocol: ${code}`,
      () => ({ jsonrpc: '2.0', error: { code, message: 'no session' } }),
      { code: 'protocol-error', serverMessage: 'no session' },
    ]),
  ])('%s is understood', async (_, message, expected) => {
    expect((await failureOf(answering(message))).outcome).toMatchObject({ kind: 'failed', ...expected });
  });

  test.each<[string, unknown]>([
    ['no message', undefined],
    ['a null message', null],
    ['an empty message', ' \n'],
    ['a message that is no text', { en: 'no' }],
  ])('with %s has no words to pass on', async (_, message) => {
    const { outcome } = await failureOf(
      answering((id) => ({ jsonrpc: '2.0', id, error: { code: -32000, message } })),
    );
    expect(outcome).toMatchObject({ kind: 'failed', code: 'tool-error' });
    expect(outcome).not.toHaveProperty('serverMessage');
  });
});

describe('the server’s message', () => {
  test('are cut at 2,000 characters, never within a character', async () => {
    expect(await wordsOf('x'.repeat(3_000))).toBe('x'.repeat(2_000));
    expect(await wordsOf(`${'x'.repeat(1_999)}😀 and more`)).toBe('x'.repeat(1_999));
    expect(await wordsOf(`${'x'.repeat(1_998)}😀 and more`)).toBe(`${'x'.repeat(1_998)}😀`);
  });

  test('keep line breaks and tabs, and no other control characters', async () => {
    expect(await wordsOf('a\r\n\tb\rc\u0000\u0007\u001b[31m\u0085\u009bd\u007f\ud800e')).toBe(
      'a\n\tb\nc[31mde',
    );
  });

  const bearerToken = 'at-7f3a/+secret~"token"';
  test.each<[string, string]>([
    ['the token', bearerToken],
    ['the token in base64', Buffer.from(bearerToken).toString('base64')],
    ['the token in base64url', Buffer.from(bearerToken).toString('base64url')],
    ['the token in an address', encodeURIComponent(bearerToken)],
    ['the token as JSON', JSON.stringify(bearerToken).slice(1, -1)],
    ['the token, broken by control characters', `${bearerToken.slice(0, 5)}\u0000${bearerToken.slice(5)}`],
    ['the token, across the place of the cut', `${'x'.repeat(1_990)}${bearerToken}`],
    ['a registered header', 'key-0123456789'],
    ['what follows the scheme of a header', Buffer.from('svc:hunter22').toString('base64')],
    ['the password of a header', 'hunter22'],
  ])('do not hold %s', async (_, quoted) => {
    const headers = {
      'x-api-key': 'key-0123456789',
      'x-gateway': `Basic ${Buffer.from('svc:hunter22').toString('base64')}`,
      'accept-language': 'en',
    };
    const words = await wordsOf(`then: "${quoted}" and again ${quoted}`, { bearerToken, headers });
    expect(words).toMatch(/^then: "x*\[re/);
    for (const part of ['at-7', quoted.slice(-6)]) expect(words).not.toContain(part);
  });
});
