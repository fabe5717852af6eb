import type { CallToolOutcome, ListToolsOutcome, McpPort } from './port.ts';

/** Receives whether this process can reach each MCP server. */
export interface ServerAvailability {
  unavailable(mcpServerId: string, cause: string): void;
  available(mcpServerId: string): void;
}

/** Reports, after every call and list, whether the server was available. */
export function watchAvailability(mcp: McpPort, servers: ServerAvailability): McpPort {
  return {
    async callTool(target, call) {
      const outcome = await mcp.callTool(target, call);
      report(servers, target.mcpServerId, outcome);
      return outcome;
    },
    async listTools(target, options) {
      const outcome = await mcp.listTools(target, options);
      report(servers, target.mcpServerId, outcome);
      return outcome;
    },
    close: () => mcp.close(),
  };
}

function report(
  servers: ServerAvailability,
  mcpServerId: string,
  outcome: CallToolOutcome | ListToolsOutcome,
): void {
  switch (outcome.kind) {
    case 'not-sent':
    case 'lost':
    case 'unavailable':
      // Latchkey gave up: that says nothing about the server.
      if (outcome.cause !== 'cancelled') servers.unavailable(mcpServerId, outcome.cause);
      return;
    // Nothing was sent.
    case 'token-stale':
      return;
    // The server answered, perhaps with a refusal.
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
