import type { CallToolOutcome, ListToolsOutcome, McpTarget } from '../../../src/mcp/port.ts';
import { createConnection } from './connection.ts';
import { sampleArguments } from './sample-arguments.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 10_000;

export type Outcome =
  | { kind: 'completed' }
  | Exclude<ListToolsOutcome | CallToolOutcome, { kind: 'listed' | 'completed' }>;

/** Lists the server's tools, and calls each of them once. */
export async function callTools(world: World): Promise<Outcome> {
  const connection = createConnection(world);
  const listed = await connection.use((target) => world.mcp.listTools(target, { timeoutMs: TIMEOUT_MS }));
  if (listed.kind !== 'listed') return listed;
  for (const { name, inputSchema } of listed.tools) {
    const called = await connection.use((target) => callTool(world, target, name, inputSchema));
    if (called.kind !== 'completed') return called;
  }
  return { kind: 'completed' };
}

function callTool(
  { mcp }: World,
  target: McpTarget,
  tool: string,
  inputSchema: unknown,
): Promise<CallToolOutcome> {
  return mcp.callTool(target, {
    tool,
    arguments: sampleArguments(inputSchema),
    idempotencyKey: 'conformance',
    inactivityTimeoutMs: TIMEOUT_MS,
    ceilingMs: TIMEOUT_MS,
    signal: new AbortController().signal,
  });
}
