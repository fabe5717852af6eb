import type { CallToolOutcome, ListToolsOutcome, McpPort } from './port.ts';

/** What is told of one MCP server, as this process sees it. */
export interface ServerAvailability {
  unavailable(mcpServerId: string, cause: string): void;
  available(mcpServerId: string): void;
}

/** Tells, with every call and list, whether the server could be had. */
export function watchAvailability(mcp: McpPort, servers: ServerAvailability): McpPort {
  return {
    async callTool(target, call) {
      const outcome = await mcp.callTool(target, call);
      tell(servers, target.mcpServerId, outcome);
      return outcome;
    },
    async listTools(target, options) {
      const outcome = await mcp.listTools(target, options);
      tell(servers, target.mcpServerId, outcome);
      return outcome;
    },
    close: () => mcp.close(),
  };
}

function tell(
  servers: ServerAvailability,
  mcpServerId: string,
  outcome: CallToolOutcome | ListToolsOutcome,
): void {
  switch (outcome.kind) {
    case 'not-sent':
    case 'lost':
    case 'unavailable':
      // Our own side gave up: that says nothing of the server.
      if (outcome.cause !== 'cancelled') servers.unavailable(mcpServerId, outcome.cause);
      return;
    // Nothing was sent.
    case 'token-due':
      return;
    // It answered, though perhaps with a refusal.
    case 'completed':
    case 'listed':
    case 'unauthorized':
    case 'insufficient-scope':
    case 'failed':
      servers.available(mcpServerId);
      return;
    default:
      outcome satisfies never;
  }
}
