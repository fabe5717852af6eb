import { expect, test } from 'vitest';
import { listToolsOfServers } from '../../src/tools/list-tools-of-servers.ts';

const MIB = 1024 * 1024;
const logger = { error: () => {} };

function toolsOf(characters: number) {
  return [{ name: 'big', inputSchema: { type: 'object', title: 'x'.repeat(characters) } }];
}

test('lists that are too long for one answer are left out, and shorter ones after them are there', async () => {
  const sizes: Record<string, number> = { a: 20 * MIB, b: 20 * MIB, c: 9 * MIB, d: 9 * MIB, e: 10 };
  const before = process.memoryUsage().rss;

  const lists = await listToolsOfServers(
    {
      logger,
      listTools: async ({ mcpServerId }) => ({ kind: 'listed', tools: toolsOf(sizes[mcpServerId] ?? 0) }),
    },
    'ada',
    Object.keys(sizes),
  );

  const tooLarge = { kind: 'unknown', code: 'result-too-large' };
  expect(lists.map((list) => ('failure' in list ? list.failure : 'tools'))).toEqual([
    'tools',
    tooLarge,
    'tools',
    tooLarge,
    'tools',
  ]);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB);
});

test('the lists of 300 servers with 10 MiB each are read a few at a time, and three are kept', async () => {
  const ids = Array.from({ length: 300 }, (_, n) => `server-${n}`);
  let reading = 0;
  let most = 0;
  const listTools = async () => {
    reading += 1;
    most = Math.max(most, reading);
    await new Promise(setImmediate);
    reading -= 1;
    return { kind: 'listed' as const, tools: toolsOf(10 * MIB) };
  };

  const lists = await listToolsOfServers({ logger, listTools }, 'ada', ids);

  expect(lists.filter((list) => 'tools' in list)).toHaveLength(3);
  expect(lists.map(({ mcpServerId }) => mcpServerId)).toEqual(ids);
  expect(most).toBeLessThanOrEqual(8);
});
