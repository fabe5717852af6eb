/** The tools of several servers, as one model may call them. */
import { ApplicationFailure } from '@temporalio/workflow';
import { accountMember, accountOf } from '../contracts/accounts.ts';
import type { McpToolsInput, McpToolsOfServer } from '../contracts/mcp-tools.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { listMcpTools } from '../workflows/list-mcp-tools.ts';
import type { ModelAnswer } from './model-answer.ts';
import type { AgentOptions, ToolModes } from './options.ts';
import { createToolCaller } from './tool-caller.ts';
import { type ToolAddress, toolNames } from './tool-names.ts';

/** One of the user's accounts at one MCP server, and how its tools are called. */
export interface AgentServer {
  mcpServerId: string;
  /** Default `default`. */
  account?: string;
  /** Which calls to this server a person approves first. Default: the modes of all servers. */
  modes?: ToolModes;
  /** Which of the server's tools the model may call. Replays call it again. Default: all. */
  filter?: (tool: ToolDescription) => boolean;
}

export interface ListedToolsOptions extends AgentOptions {
  /** 1–50, each server and account once. */
  servers: readonly AgentServer[];
  /**
   * Whether to pause, visible to the user like a step, until the user has connected every server that needs it, for at
   * most `timeouts.reauth`. Default: no.
   */
  waitUntilConnected?: boolean;
  /**
   * Is told of the servers whose tools can't be listed, which are then left out. Default: an ApplicationFailure of type
   * `tools-unavailable`.
   */
  onUnavailable?: (servers: readonly UnavailableServer[]) => void;
}

/** A server whose tools can't be listed, why, and where the user connects if that helps. */
export type UnavailableServer = Extract<McpToolsOfServer, { failure: unknown }>;

/** `ApplicationFailure.type` of an agent that can't have its tools. Its details are the unavailable servers. */
export const TOOLS_UNAVAILABLE = 'tools-unavailable';

/** A tool that the model may call, and how. */
export interface ListedTool {
  /** By which the model calls it. */
  name: string;
  address: ToolAddress;
  tool: ToolDescription;
  call: (args: Record<string, unknown>) => Promise<ModelAnswer>;
}

/**
 * Lists the tools of the servers that the model may call. Their names are those of `toolNames`.
 *
 * @throws ApplicationFailure `tools-unavailable`, unless there is `onUnavailable`
 * @throws what `listMcpTools` throws
 */
export async function listTools(options: ListedToolsOptions): Promise<ListedTool[]> {
  const { servers, taskQueue, onUnavailable = refuse } = options;
  const listed = await listMcpTools(listingOf(options), taskQueue === undefined ? {} : { taskQueue });
  const unavailable = listed.servers.filter((one) => 'failure' in one);
  if (unavailable.length > 0) onUnavailable(unavailable);
  const tools = servers.flatMap((server) => toolsOf(server, listed.servers, options));
  const names = toolNames(tools.map(({ address }) => address));
  return tools.map((tool, at) => ({ ...tool, name: names[at] ?? '' }));
}

function listingOf({ userId, servers, waitUntilConnected, timeouts }: ListedToolsOptions): McpToolsInput {
  return {
    userId,
    servers: servers.map(({ mcpServerId, account }) => ({ mcpServerId, ...accountMember(account) })),
    ...(waitUntilConnected !== undefined && { waitUntilConnected }),
    ...(timeouts?.reauth !== undefined && { timeouts: { reauth: timeouts.reauth } }),
  };
}

function toolsOf(
  server: AgentServer,
  listed: readonly McpToolsOfServer[],
  options: AgentOptions,
): Omit<ListedTool, 'name'>[] {
  const { mcpServerId, filter = () => true, modes } = server;
  const account = accountOf(server);
  const caller = createToolCaller({ ...options, ...(modes && { modes }) });
  return listed
    .filter((one) => one.mcpServerId === mcpServerId && one.account === account)
    .flatMap((one) => ('tools' in one ? one.tools : []))
    .filter((tool) => !needsTask(tool) && filter(tool))
    .map((tool) => {
      const address = { mcpServerId, account, tool: tool.name };
      return { address, tool, call: (args) => caller({ ...address, arguments: args }) };
    });
}

// Such a tool answers every plain call with an error. MCP 2025-11-25, schema#toolexecution.
function needsTask({ execution }: ToolDescription): boolean {
  return execution?.taskSupport === 'required';
}

// An ApplicationFailure, because another error would not end the workflow: its task would be repeated for ever.
function refuse(servers: readonly UnavailableServer[]): never {
  const reasons = servers.map(
    ({ mcpServerId, account, failure, connectUrl }) =>
      `${mcpServerId} (account ${account}): ${failure.code}${connectUrl === undefined ? '' : `, connect at ${connectUrl}`}`,
  );
  throw ApplicationFailure.nonRetryable(
    `The tools of these servers can't be listed: ${reasons.join('; ')}`,
    TOOLS_UNAVAILABLE,
    servers,
  );
}
