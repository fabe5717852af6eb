import { ApplicationFailure, log } from '@temporalio/workflow';
import type { McpToolsOfServer } from '../contracts/mcp-tools.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { listMcpTools } from '../workflows/list-mcp-tools.ts';
import { unknownTools } from './modes.ts';
import type { AgentOptions } from './options.ts';
import { withNextId } from './step-ids.ts';

/** `ApplicationFailure.type` of an agent whose tools could not be listed. The first detail is the failure. */
export const TOOLS_UNAVAILABLE = 'McpToolsUnavailable';

export interface ListedServer {
  mcpServerId: string;
  /** Default `default`. */
  account?: string;
  /** Whether to wait until the user has connected the server. Default: as `onPause` says of calls. */
  waitUntilConnected?: boolean;
}

/**
 * Lists the tools of one server for an agent.
 *
 * @throws ApplicationFailure of type `McpToolsUnavailable`, not retryable, if they can't be listed
 * @throws ChildWorkflowFailure if the agent was cancelled (check with `isCancellation`)
 */
export async function listToolsForAgent(
  { mcpServerId, account, waitUntilConnected }: ListedServer,
  { userId, taskQueue, timeouts, onPause, modes, searchAttributes }: AgentOptions,
): Promise<ToolDescription[]> {
  const input = {
    userId,
    servers: [{ mcpServerId, ...(account !== undefined && { account }) }],
    waitUntilConnected: waitUntilConnected ?? onPause !== 'return',
    ...(timeouts?.reauth !== undefined && { timeouts: { reauth: timeouts.reauth } }),
  };
  const options = {
    ...(taskQueue !== undefined && { taskQueue }),
    ...(searchAttributes !== undefined && { searchAttributes }),
  };
  const { servers } = await withNextId((listId) => listMcpTools(input, { ...options, listId }));
  const tools = toolsOf(servers[0], mcpServerId);
  warnOfUnknownTools(mcpServerId, unknownTools(modes, tools));
  return tools;
}

function toolsOf(listed: McpToolsOfServer | undefined, mcpServerId: string): ToolDescription[] {
  if (listed !== undefined && 'tools' in listed) return listed.tools;
  const code = listed?.failure.code ?? 'internal';
  const link = listed?.connectUrl === undefined ? '' : `; the user connects it at ${listed.connectUrl}`;
  throw ApplicationFailure.create({
    message: `The tools of MCP server ${mcpServerId} can't be listed: ${code}${link}`,
    type: TOOLS_UNAVAILABLE,
    nonRetryable: true,
    details: [listed ?? { mcpServerId, failure: { kind: 'unknown', code } }],
  });
}

function warnOfUnknownTools(mcpServerId: string, tools: string[]): void {
  if (tools.length > 0)
    log.warn('the modes name tools that the server does not have', { mcpServerId, tools });
}
