/**
 * The client program that the conformance suite starts, once for each scenario, with the address of an MCP server as
 * its last argument. It does what a step does: lists the tools and calls each of them, through Latchkey's adapter.
 */
import type { CallToolOutcome, ListToolsOutcome, McpTarget } from '../../../src/mcp/port.ts';
import { createMcpSdkAdapter } from '../../../src/mcp/sdk/sdk-adapter.ts';
import { createGuardedFetch } from '../../../src/net/guarded-fetch.ts';
import { sampleArguments } from './sample-arguments.ts';

async function main(url: string): Promise<number> {
  const guarded = createGuardedFetch({ policy: 'development' });
  const adapter = createMcpSdkAdapter({
    guardedFetch: guarded.fetch,
    // The suite requires a client that accepts forms with the defaults of their fields.
    fillForm: async () => ({ action: 'accept', content: {} }),
  });
  const target: McpTarget = {
    mcpServerId: 'conformance',
    userId: 'conformance',
    registrationVersion: 1,
    url,
    headers: {},
    maxResultBytes: 1024 * 1024,
  };
  try {
    const listed = await adapter.listTools(target, { timeoutMs: 10_000 });
    if (listed.kind !== 'listed') return failed(listed);
    for (const { name, inputSchema } of listed.tools) {
      const outcome = await adapter.callTool(target, {
        tool: name,
        arguments: sampleArguments(inputSchema),
        idempotencyKey: 'conformance',
        inactivityTimeoutMs: 10_000,
        ceilingMs: 10_000,
        signal: new AbortController().signal,
      });
      if (outcome.kind !== 'completed') return failed(outcome);
    }
    return 0;
  } finally {
    await adapter.close();
    await guarded.close(0);
  }
}

function failed(outcome: ListToolsOutcome | CallToolOutcome): number {
  console.error(JSON.stringify(outcome));
  return 1;
}

process.exitCode = await main(String(process.argv.at(-1)));
