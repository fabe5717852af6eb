import type { DemoMcpServer } from '../embedded/mcp-server.ts';
import type { Api } from './api.ts';
import { MCP_SERVER_ID } from './stage.ts';

/** Starts a step that creates an invoice. */
export async function startInvoice(api: Api, stepId: string, more: object = {}): Promise<void> {
  await api.request('POST', '/steps', {
    mcpServerId: MCP_SERVER_ID,
    tool: 'create_invoice',
    arguments: { customer: customerOf(stepId), amount: 42 },
    stepId,
    ...more,
  });
}

/** Each step has its own customer, so that the MCP server's records show how often each step's tool ran. */
export const customerOf = (stepId: string): string => `ACME ${stepId}`;

/** The step's calls that the MCP server has seen. */
export function callsOf(mcpServer: DemoMcpServer, stepId: string) {
  const calls = mcpServer.calls({ tool: 'create_invoice' });
  return calls.filter((call) => call.arguments.customer === customerOf(stepId));
}

/** How often the step's tool ran. */
export function runs(mcpServer: DemoMcpServer, stepId: string): number {
  return callsOf(mcpServer, stepId).length;
}
