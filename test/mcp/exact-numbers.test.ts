import { describe, expect, test } from 'vitest';
import { EXACT } from '../support/number-literals.ts';
import { type Reply, rpcResult, rpcResultText } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const LONG = '918273645546372817';

async function resultOf(reply: Reply) {
  const server = await scriptedServer();
  server.on('tools/call', reply);
  const outcome = await testAdapter().callTool(targetOf(server.url), callOf());
  if (outcome.kind !== 'completed') throw new Error(`the call ended as ${outcome.kind}`);
  return outcome.result;
}

/** Sends the answer as the last of several events, on one line. */
const inEvents =
  (result: string): Reply =>
  (response, { id }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const progress = `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"n":${LONG}}}}`;
    response.end(`data: ${progress}\n\ndata: {"jsonrpc":"2.0","id":${id},"result":${result}}\n\n`);
  };

const inBatch =
  (result: string): Reply =>
  (response, { id }) => {
    response.setHeader('content-type', 'application/json');
    response.end(`[{"jsonrpc":"2.0","id":${id},"result":${result}}]`);
  };

describe('a result with a number that JavaScript rounds', () => {
  const structured = `{"content":[{"type":"text","text":"{\\"id\\":${LONG}}"}],"structuredContent":{"id":${LONG}}}`;

  test.each([
    ['alone', rpcResultText(structured)],
    ['in an event stream', inEvents(structured)],
    ['in a batch', inBatch(structured)],
  ])('names the place in a warning, with the number as it came: %s', async (_, reply) => {
    expect(await resultOf(reply)).toEqual({
      content: [{ type: 'text', text: `{"id":${LONG}}` }],
      structuredContent: { id: Number(LONG) },
      warnings: [`structuredContent.id is rounded: the server sent ${LONG}.`],
    });
  });

  test('names the places in content, and none in what is not handed on', async () => {
    const result = `{
      "content":[{"type":"text","text":"a"},{"type":"resource","resource":{"uri":"a:b","text":"","_meta":{"n":[1,${LONG}]}}}],
      "structuredContent":{"a":{"b":1e999}},
      "_meta":{"n":${LONG}}, "more":${LONG}
    }`;
    expect((await resultOf(rpcResultText(result))).warnings).toEqual([
      `content.1.resource._meta.n.1 is rounded: the server sent ${LONG}.`,
      'structuredContent.a.b is rounded: the server sent 1e999.',
    ]);
  });

  test('of an error of the tool’s names it too', async () => {
    const result = `{"content":[],"structuredContent":{"id":${LONG}},"isError":true}`;
    expect((await resultOf(rpcResultText(result))).warnings).toHaveLength(1);
  });

  test('keeps the other warnings, and has none for structured content that is left out', async () => {
    const result = `{"content":[{"n":${LONG}}],"structuredContent":[${LONG}]}`;
    expect((await resultOf(rpcResultText(result))).warnings).toEqual([
      `content.0.n is rounded: the server sent ${LONG}.`,
      'The structured content was not a JSON object and is left out.',
    ]);
  });

  test.each([
    ['a list', `{"content":null,"structuredContent":[1,${LONG}]}`, 'structuredContent.1'],
    ['a number', `{"content":[],"structuredContent":${LONG}}`, 'structuredContent'],
  ])('of structured content that is kept as text is named: %s', async (_, result, place) => {
    expect((await resultOf(rpcResultText(result))).warnings).toEqual([
      `${place} is rounded: the server sent ${LONG}.`,
      'The structured content was not a JSON object and is kept as text.',
    ]);
  });

  test('names ten of very many, and counts the others', async () => {
    const result = `{"content":[],"structuredContent":{"ids":[${Array(5_000).fill(LONG).join()}]}}`;
    const { warnings } = await resultOf(rpcResultText(result));
    expect(warnings).toHaveLength(11);
    expect(warnings?.[9]).toContain('structuredContent.ids.9 ');
    expect(warnings?.[10]).toBe('4990 more numbers are rounded.');
  });

  test('keeps a warning short for a number of a thousand digits', async () => {
    const result = `{"content":[],"structuredContent":{"n":1.${'123456789'.repeat(100)}}}`;
    expect((await resultOf(rpcResultText(result))).warnings?.[0]?.length).toBeLessThan(200);
  });

  test('has no warning for numbers that are as they came', async () => {
    const result = `{"content":[],"structuredContent":{"n":[${EXACT.join()}],"id":"${LONG}"}}`;
    expect(await resultOf(rpcResultText(result))).not.toHaveProperty('warnings');
  });
});

describe('a call', () => {
  test.each(EXACT)('carries every number that is exact with its value: %s', async (literal) => {
    const server = await scriptedServer();
    server.on('tools/call', rpcResult({ content: [] }));
    await testAdapter().callTool(targetOf(server.url), callOf({ arguments: { x: JSON.parse(literal) } }));

    const { text } = await server.arrived('tools/call');
    const sent = /"arguments":\{"x":([^}]+)\}/.exec(text)?.[1] ?? 'nothing';

    expect(Number(sent)).toBe(Number(literal) + 0);
    if (Number.isInteger(Number(literal)) && !/e/i.test(literal + sent)) {
      expect(BigInt(sent)).toBe(BigInt(literal.replace(/\.0*$/, '')));
    }
  });
});

describe('a list of tools', () => {
  test('is not spoiled by a schema with a number that JavaScript rounds', async () => {
    const server = await scriptedServer();
    const schema = `{"type":"object","properties":{"id":{"type":"integer","maximum":9223372036854775807}}}`;
    server.on('tools/list', rpcResultText(`{"tools":[{"name":"echo","inputSchema":${schema}}]}`));

    const outcome = await testAdapter().listTools(targetOf(server.url), { timeoutMs: 10_000 });

    expect(outcome).toEqual({
      kind: 'listed',
      tools: [{ name: 'echo', inputSchema: JSON.parse(schema) }],
    });
  });
});
