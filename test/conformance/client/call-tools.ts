import { randomUUID } from 'node:crypto';
import type { CallToolOutcome, McpPort, McpTarget } from '../../../src/mcp/port.ts';
import { serverRegistrationSchema } from '../../../src/schemas/server.ts';
import { createServerStore } from '../../../src/servers/server-store.ts';
import { type Connection, createConnection } from './connection.ts';
import { FlowEnded } from './flow-ended.ts';
import { sampleArguments } from './sample-arguments.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 10_000;

/**
 * Registers the scenario's server, lists its tools and calls each of them once.
 *
 * @throws FlowEnded where a request does not complete
 */
export async function callTools(world: World, scenario: Scenario): Promise<void> {
  const mcpServerId = await registerServer(world, scenario);
  const connection = createConnection(world, scenario, { mcpServerId, userId: 'ada' });
  for (const { name, inputSchema } of await listTools(world, connection)) {
    const args = sampleArguments(inputSchema);
    const outcome = await connection.use((target) => callTool(world.mcp, target, name, args));
    if (outcome.kind !== 'completed') throw new FlowEnded(`tools/call: ${JSON.stringify(outcome)}`);
  }
}

async function registerServer({ pool, vault }: World, { name, url, client }: Scenario): Promise<string> {
  const auth = name.startsWith('auth/') ? { type: 'oauth2', ...client } : { type: 'none' };
  const id = `conformance-${randomUUID()}`;
  await createServerStore(pool, vault).put(id, serverRegistrationSchema.parse({ url, auth }));
  return id;
}

async function listTools({ mcp }: World, connection: Connection) {
  const outcome = await connection.use((target) => mcp.listTools(target, { timeoutMs: TIMEOUT_MS }));
  if (outcome.kind !== 'listed') throw new FlowEnded(`tools/list: ${JSON.stringify(outcome)}`);
  return outcome.tools;
}

function callTool(
  mcp: McpPort,
  target: McpTarget,
  tool: string,
  args: Record<string, unknown>,
): Promise<CallToolOutcome> {
  return mcp.callTool(target, {
    tool,
    arguments: args,
    idempotencyKey: randomUUID(),
    inactivityTimeoutMs: TIMEOUT_MS,
    ceilingMs: TIMEOUT_MS,
    signal: new AbortController().signal,
  });
}
