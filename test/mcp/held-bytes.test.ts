import { expect, test } from 'vitest';
import { events, eventWithId, type Reply, rpcResult } from '../support/scripted-mcp-server.ts';
import { targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const KIB = 1024;
const MAX_RESULT_BYTES = 1024 * KIB;
const TOOLS = [{ name: 'big', description: 'x'.repeat(300 * KIB), inputSchema: { type: 'object' } }];
const RETRY_SOON = 'retry: 50';

/** Lists the tools of a server, and measures what is held of the list: in the end, and at most. */
async function heldOf(list: Reply, ...resumptions: Reply[]): Promise<{ end: number; most: number }> {
  const server = await scriptedServer();
  server.on('tools/list', list);
  for (const reply of resumptions) server.once('GET', reply);
  const held = { end: 0, most: 0 };
  const received = (change: number) => {
    held.end += change;
    held.most = Math.max(held.most, held.end);
  };
  const target = targetOf(server.url, { maxResultBytes: MAX_RESULT_BYTES });
  const outcome = await testAdapter().listTools(target, { timeoutMs: 30_000, received });
  expect(outcome).toMatchObject({ kind: 'listed', tools: [{ name: 'big' }] });
  return held;
}

const listed = (id: unknown) => ({ jsonrpc: '2.0', id, result: { tools: TOOLS } });

test('a list in a body is counted', async () => {
  const { end } = await heldOf(rpcResult({ tools: TOOLS }));
  expect(end).toBeGreaterThan(300 * KIB);
});

test('a list in an event is counted, also in a stream that was resumed', async () => {
  let id: unknown;
  const primed = events((request) => {
    id = request.id;
    return [`${RETRY_SOON}\n${eventWithId('e1')}`];
  });
  const held = [
    await heldOf(events((request) => [listed(request.id)])),
    await heldOf(
      primed,
      events(() => [listed(id)]),
    ),
  ];
  for (const { end } of held) expect(end).toBeGreaterThan(300 * KIB);
});

test('comments and other messages before the list are not held', async () => {
  const note = { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'y'.repeat(100 * KIB) } };
  const { end, most } = await heldOf(
    events((request) => [
      ...Array.from({ length: 3_000 }, () => `: ${'z'.repeat(KIB)}`),
      ...Array.from({ length: 20 }, () => note),
      listed(request.id),
    ]),
  );
  expect(most).toBeLessThanOrEqual(MAX_RESULT_BYTES);
  expect(end).toBeLessThan(600 * KIB);
});
