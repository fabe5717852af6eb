import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import type { McpTarget } from '../../src/mcp/port.ts';
import {
  type Reply,
  rpcError,
  rpcResult,
  rpcResultText,
  type SeenRequest,
} from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const TOKEN = 'at-4f9c2d-token';
const HEADER = 'key-0123456789';
const QUERY = 'q-abcdefghij';
const SECRETS = [TOKEN, HEADER, QUERY];

/** What the server quotes. All of it was sent to the server. */
function sentTo({ headers }: SeenRequest): string {
  return `${headers.authorization} ${headers['x-api-key']} ${QUERY}`;
}

const secretsOf = (url: string): Partial<McpTarget> => ({
  url: `${url}?api_key=${QUERY}`,
  bearerToken: TOKEN,
  headers: { 'x-api-key': HEADER },
});

type Quote = (response: ServerResponse, quoted: string, request: SeenRequest) => void;

const quoting =
  (quote: Quote): Reply =>
  (response, request) =>
    quote(response, sentTo(request), request);

const result =
  (of: (quoted: string) => unknown): Quote =>
  (response, quoted, { id }) => {
    const message = { jsonrpc: '2.0', id, result: of(quoted) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
  };

const answers =
  (status: number, headers: (quoted: string) => Record<string, string>): Quote =>
  (response, quoted) =>
    void response.writeHead(status, headers(quoted)).end();

async function outcomeOf(quote: Quote, method: 'tools/call' | 'initialize' = 'tools/call') {
  const server = await scriptedServer();
  server.on(method, quoting(quote));
  const target = targetOf(server.url, secretsOf(server.url));
  return testAdapter().callTool(target, callOf());
}

function expectNoSecret(value: unknown): void {
  const text = JSON.stringify(value);
  for (const secret of SECRETS) expect(text).not.toContain(secret);
}

describe('no outcome of a call quotes what was sent:', () => {
  test.each<[string, Quote, object]>([
    [
      'a result, in its content',
      result((quoted) => ({ content: [{ type: 'text', text: `you sent ${quoted}` }] })),
      {
        kind: 'completed',
        result: { content: [{ text: 'you sent Bearer [redacted] [redacted] [redacted]' }] },
      },
    ],
    [
      'a result, in members of its structured content and their names',
      result((quoted) => ({ content: [], structuredContent: { [quoted]: { seen: [quoted] } } })),
      { kind: 'completed', result: { structuredContent: expect.any(Object) } },
    ],
    [
      'a result in base64',
      result((quoted) => ({ content: [{ type: 'image', data: Buffer.from(quoted).toString('base64') }] })),
      { kind: 'completed' },
    ],
    ['a result that is none', result((quoted) => ({ echo: quoted })), { kind: 'completed' }],
    ['a text in the place of a result', result((quoted) => quoted), { kind: 'completed' }],
    [
      'a JSON-RPC error',
      (response, quoted, request) => rpcError(-32000, quoted)(response, request),
      { kind: 'failed' },
    ],
    [
      'a challenge, in its scopes',
      answers(403, (quoted) => ({
        'www-authenticate': `Bearer error="insufficient_scope", scope="read ${quoted} ${TOKEN}:all write"`,
      })),
      { kind: 'insufficient-scope', challengedScopes: ['read', 'Bearer', 'write'] },
    ],
    [
      'a redirect, in its path',
      answers(302, (quoted) => ({ location: `/elsewhere/${encodeURIComponent(quoted)}` })),
      { kind: 'failed', operatorMessage: expect.stringContaining('an address that quotes what was sent') },
    ],
    [
      'a redirect, in its host',
      answers(302, () => ({ location: `https://${TOKEN}.example/` })),
      { kind: 'failed', operatorMessage: expect.stringContaining('an address that quotes what was sent') },
    ],
    [
      'a redirect, across the place of the cut',
      answers(302, () => ({ location: `/${'x'.repeat(170)}${TOKEN}${TOKEN}` })),
      { kind: 'failed' },
    ],
  ])('%s', async (_, quote, expected) => {
    const outcome = await outcomeOf(quote);
    expect(outcome).toMatchObject(expected);
    expectNoSecret(outcome);
  });

  test.each<[string, Quote]>([
    ['its revision', result((quoted) => ({ protocolVersion: quoted, capabilities: {}, serverInfo: {} }))],
    [
      'its revision, in form',
      result(() => ({
        protocolVersion: QUERY,
        capabilities: {},
        serverInfo: { name: TOKEN, version: TOKEN },
      })),
    ],
    ['an error', (response, quoted, request) => rpcError(-32000, quoted)(response, request)],
  ])('the answer to initialize, in %s', async (_, quote) => {
    const outcome = await outcomeOf(quote, 'initialize');
    expect(outcome).toMatchObject({ kind: 'failed' });
    expectNoSecret(outcome);
  });

  test('progress', async () => {
    const onProgress = vi.fn();
    const server = await scriptedServer();
    server.on('tools/call', (response, request) => {
      const { id, params } = request;
      const { progressToken } = (params._meta ?? {}) as { progressToken?: unknown };
      const note = { progressToken, progress: 1, message: `${'x'.repeat(490)}${sentTo(request)}` };
      const messages = [
        { jsonrpc: '2.0', method: 'notifications/progress', params: note },
        { jsonrpc: '2.0', id, result: { content: [] } },
      ];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''));
    });
    const target = targetOf(server.url, secretsOf(server.url));
    await testAdapter().callTool(target, callOf({ onProgress }));
    expect(onProgress).toHaveBeenCalledWith(
      expect.objectContaining({ message: expect.stringContaining('[redacted]') }),
    );
    expectNoSecret(onProgress.mock.calls);
  });

  test('progress, wherever the token is cut', async () => {
    const token = `${'t0k3n-'.repeat(60)}last`;
    const onProgress = vi.fn();
    const server = await scriptedServer();
    server.on('tools/call', (response, request) => {
      const { id, params } = request;
      const { progressToken } = (params._meta ?? {}) as { progressToken?: unknown };
      const messages = [`x${token.repeat(5)}`, `x${token.repeat(1_000)}`, `${'x'.repeat(1_990)}${token}`].map(
        (message, progress) => ({
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken, progress, message },
        }),
      );
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const all = [...messages, { jsonrpc: '2.0', id, result: { content: [] } }];
      response.end(all.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''));
    });
    await testAdapter().callTool(targetOf(server.url, { bearerToken: token }), callOf({ onProgress }));
    expect(onProgress).toHaveBeenCalledTimes(3);
    expect(JSON.stringify(onProgress.mock.calls)).not.toContain('t0k3n');
    for (const [{ message }] of onProgress.mock.calls) expect(message.length).toBeLessThanOrEqual(2_000);
  });

  test.each([
    ['a name', (token: string) => `{"${'x'.repeat(86)}${token}":918273645546372817}`],
    ['many names', (token: string) => `{"${'x'.repeat(490)}":{"${token}":918273645546372817}}`],
    ['a name of 65,000', (token: string) => `{"${`${token}-`.repeat(1_400)}":918273645546372817}`],
  ])('a warning about a rounded number, in %s', async (_, structured) => {
    const token = `secret-${'abcdefghi'.repeat(4)}`;
    const server = await scriptedServer();
    server.on('tools/call', rpcResultText(`{"content":[],"structuredContent":${structured(token)}}`));
    const target = targetOf(server.url, { bearerToken: token });
    const outcome = await testAdapter().callTool(target, callOf());
    expect(outcome).toMatchObject({ result: { warnings: [expect.stringContaining('is rounded')] } });
    expect(JSON.stringify(outcome)).not.toContain('secret');
    expect(JSON.stringify(outcome)).not.toContain('abcd');
  });

  test('a warning about a rounded number whose digits are a token', async () => {
    const token = '91827364554637281'.repeat(5);
    const server = await scriptedServer();
    server.on('tools/call', rpcResultText(`{"content":[],"structuredContent":{"n":${token}}}`));
    const outcome = await testAdapter().callTool(targetOf(server.url, { bearerToken: token }), callOf());
    expect(JSON.stringify(outcome)).not.toContain('918273645');
  });

  test.each([
    ['a cookie’s value', 'sid=s3cr3t-session-abc; tenant=x', 's3cr3t-session-abc'],
    ['a later cookie’s value', 'tenant=x; sid=s3cr3t==; a=b', 's3cr3t=='],
    ['what follows a name and a colon', 'user:hunter2hunter2', 'hunter2hunter2'],
    ['a parameter in quotes', 'keyId="k1",signature="c2lnbmF0dXJl"', 'c2lnbmF0dXJl'],
    ['a parameter after a scheme', 'Sig key="c2lnbmF0dXJl"', 'c2lnbmF0dXJl'],
  ])('a part of a registered header: %s', async (_, header, part) => {
    const server = await scriptedServer();
    server.on('tools/call', rpcError(-32000, `you sent "${part}" of tenant x, algorithm k1`));
    const target = targetOf(server.url, { headers: { 'x-any': header } });
    expect(await testAdapter().callTool(target, callOf())).toMatchObject({
      serverMessage: 'you sent "[redacted]" of tenant x, algorithm k1',
    });
  });

  test('the tokens of earlier calls in the same session', async () => {
    const server = await scriptedServer();
    const adapter = testAdapter();
    const tokens = ['first-token-1', 'second-token-2', 'third-token-3'];
    const outcomes = [];
    for (const bearerToken of tokens) {
      server.on('tools/call', rpcError(-32000, tokens.join(' ')));
      outcomes.push(await adapter.callTool(targetOf(server.url, { bearerToken }), callOf()));
    }
    expect(server.count('initialize')).toBe(1);
    expect(outcomes.at(-1)).toMatchObject({ serverMessage: '[redacted] [redacted] [redacted]' });
    server.on('tools/list', rpcResult({ tools: [{ name: 'echo', description: tokens.join(' ') }] }));
    const target = targetOf(server.url, { bearerToken: 'third-token-3' });
    expect(await adapter.listTools(target, { timeoutMs: 5_000 })).toMatchObject({
      tools: [{ description: '[redacted] [redacted] [redacted]' }],
    });
  });

  test('the token that was fetched beside the call’s own', async () => {
    const server = await scriptedServer();
    let due = false;
    server.on('tools/call', (response, request) => {
      due = true;
      rpcError(-32602, `you sent ${TOKEN} and will send fresh-token-1`)(response, request);
    });
    const target = targetOf(server.url, {
      bearerToken: TOKEN,
      tokenIsDue: () => due,
      freshToken: async () => ({ bearerToken: 'fresh-token-1', tokenIsDue: () => false }),
    });
    expect(await testAdapter().callTool(target, callOf())).toMatchObject({
      serverMessage: 'you sent [redacted] and will send [redacted]',
    });
  });
});

describe('the list of tools', () => {
  test('quotes nothing in names, texts, schemas, annotations or icons', async () => {
    const server = await scriptedServer();
    const list = result((quoted) => ({
      tools: [
        {
          name: quoted,
          title: quoted,
          description: quoted,
          inputSchema: { type: 'object', description: quoted, properties: { [quoted]: { const: quoted } } },
          annotations: { title: quoted },
          icons: [{ src: `https://icons.example/${encodeURIComponent(quoted)}` }],
        },
      ],
    }));
    server.on('tools/list', quoting(list));
    const target = targetOf(server.url, secretsOf(server.url));
    const outcome = await testAdapter().listTools(target, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({
      kind: 'listed',
      tools: [{ description: 'Bearer [redacted] [redacted] [redacted]' }],
    });
    expectNoSecret(outcome);
  });
});

describe('what is no secret', () => {
  test('is not redacted: a header that is no secret, and a short one', async () => {
    const server = await scriptedServer();
    server.on(
      'tools/call',
      quoting(result(() => ({ content: [{ type: 'text', text: 'application/json, acme' }] }))),
    );
    const headers = { accept: 'application/json', 'x-tenant': 'acme', 'x-mode': 'fast; app=acme, a:b' };
    const outcome = await testAdapter().callTool(targetOf(server.url, { headers }), callOf());
    expect(outcome).toMatchObject({ result: { content: [{ text: 'application/json, acme' }] } });
  });
});
