import { ApplicationFailure, log } from '@temporalio/workflow';
import { accountMember } from '../contracts/accounts.ts';
import type { McpToolsOfServer, ServerAccount } from '../contracts/mcp-tools.ts';
import { needsTask } from '../contracts/needs-task.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { listMcpTools } from '../workflows/list-mcp-tools.ts';
import { unknownTools } from './modes.ts';
import type { AgentOptions, ToolModes } from './options.ts';
import { withNextId } from './step-ids.ts';
import { limitTools } from './tool-limit.ts';

/** `ApplicationFailure.type` of an agent whose tools could not be listed. Each detail is one `UnavailableServer`. */
export const TOOLS_UNAVAILABLE = 'McpToolsUnavailable';

/** A server whose tools can't be listed, why, and where its user connects if that helps. */
export type UnavailableServer = Extract<McpToolsOfServer, { failure: unknown }>;

export interface ListedServers {
  /** 1–50, each account once. */
  servers: readonly ServerAccount[];
  /** Whether to wait until the user has connected the servers. Default: as `onPause` says of calls. */
  waitUntilConnected?: boolean | undefined;
}

/**
 * Lists the tools of servers for an agent, in the order of `servers`.
 *
 * @throws ChildWorkflowFailure if the agent was cancelled (check with `isCancellation`)
 */
export async function listServers(
  { servers, waitUntilConnected }: ListedServers,
  { userId, taskQueue, timeouts, onPause, searchAttributes }: AgentOptions,
): Promise<McpToolsOfServer[]> {
  const input = {
    userId,
    servers: servers.map(({ mcpServerId, account }) => ({ mcpServerId, ...accountMember(account) })),
    waitUntilConnected: waitUntilConnected ?? onPause !== 'return',
    ...(timeouts?.reauth !== undefined && { timeouts: { reauth: timeouts.reauth } }),
  };
  const options = {
    ...(taskQueue !== undefined && { taskQueue }),
    ...(searchAttributes !== undefined && { searchAttributes }),
  };
  const listed = await withNextId((listId) => listMcpTools(input, { ...options, listId }));
  return limitTools(listed.servers).map((server) =>
    'tools' in server ? { ...server, tools: server.tools.filter((tool) => !needsTask(tool)) } : server,
  );
}

/**
 * Lists the tools of one server for an agent. Resolves to the failure if they can't be listed.
 *
 * @throws ChildWorkflowFailure if the agent was cancelled (check with `isCancellation`)
 */
export async function listServer(
  { waitUntilConnected, ...server }: ServerAccount & Omit<ListedServers, 'servers'>,
  options: AgentOptions,
): Promise<McpToolsOfServer> {
  const [listed] = await listServers({ servers: [server], waitUntilConnected }, options);
  if (listed === undefined) throw new Error('a listing of one server has no server');
  if ('tools' in listed) warnOfUnknownTools(options.modes, listed.tools, server);
  return listed;
}

/**
 * Throws an ApplicationFailure, because any other error would repeat the workflow's task without end instead of ending
 * the workflow.
 *
 * @throws ApplicationFailure of type `McpToolsUnavailable`, not retryable
 */
export function refuseUnavailable(servers: readonly UnavailableServer[]): never {
  throw ApplicationFailure.create({
    message: `The tools of MCP servers can't be listed: ${servers.map(reasonOf).join('; ')}`,
    type: TOOLS_UNAVAILABLE,
    nonRetryable: true,
    details: [...servers],
  });
}

function reasonOf(server: UnavailableServer): string {
  const { failure, connectUrl } = server;
  const link = connectUrl === undefined ? '' : `, the user connects it at ${connectUrl}`;
  return `${nameOfAccount(server)}: ${failure.code}${link}`;
}

/** The server, and the account if it is another than `default`, as a sentence names them. */
export function nameOfAccount({ mcpServerId, account }: ServerAccount): string {
  return [mcpServerId, ...Object.values(accountMember(account))].join(', account ');
}

/** Warns of names in `modes` that no tool has: their tools run without the mode. */
export function warnOfUnknownTools(
  modes: ToolModes | undefined,
  tools: readonly ToolDescription[],
  where: object,
): void {
  const unknown = unknownTools(modes, tools);
  if (unknown.length > 0) log.warn('the modes name tools that do not exist', { ...where, tools: unknown });
}
