import { expect, test } from 'vitest';
import { limitTools } from '../../src/agents/tool-limit.ts';
import type { McpToolsOfServer } from '../../src/contracts/mcp-tools.ts';

const listed = (mcpServerId: string, count: number): McpToolsOfServer => ({
  mcpServerId,
  account: 'default',
  tools: Array.from({ length: count }, (_, at) => ({ name: `tool-${at}`, inputSchema: {} })),
});
const failed = (mcpServerId: string, code: 'result-too-large' | 'forbidden'): McpToolsOfServer => ({
  mcpServerId,
  account: 'default',
  failure: { kind: code === 'forbidden' ? 'auth' : 'unknown', code },
});

test('tools that are as many as allowed are all listed', () => {
  const servers = [listed('a', 3), listed('b', 2), listed('empty', 0)];

  expect(limitTools(servers, 5)).toEqual(servers);
});

test('of too many tools, the largest lists are left out, and the order stays', () => {
  const servers = [listed('a', 3), failed('b', 'forbidden'), listed('c', 9), listed('d', 1), listed('e', 4)];

  expect(limitTools(servers, 5)).toEqual([
    servers[0],
    servers[1],
    failed('c', 'result-too-large'),
    servers[3],
    failed('e', 'result-too-large'),
  ]);
});

test('a list of 22,000 tools, which passes the limit of bytes, is left out', () => {
  expect(limitTools([listed('a', 22_000), listed('b', 10)])).toEqual([
    failed('a', 'result-too-large'),
    listed('b', 10),
  ]);
});
