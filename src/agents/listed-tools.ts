/** The tools of several servers, as one model may call them. */
import { accountOf } from '../contracts/accounts.ts';
import type { McpToolsOfServer, ServerAccount } from '../contracts/mcp-tools.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { connectToolsFor } from './connect-tool.ts';
import type { ModelAnswer } from './model-answer.ts';
import type { AgentOptions, ToolModes } from './options.ts';
import { createToolCaller } from './tool-caller.ts';
import { listServers, type UnavailableServer, warnOfUnknownTools } from './tool-lister.ts';
import { type ToolAddress, toolNames } from './tool-names.ts';

/** One of the user's accounts at one MCP server, and how its tools are called. */
export interface AgentServer extends ServerAccount {
  /** Which calls to this server a person approves first. Default: the modes of all servers. */
  modes?: ToolModes;
  /** Which of the server's tools the model may call. It is called again in replays. Default: all. */
  filter?: (tool: ToolDescription) => boolean;
}

/** Which tools an agent gets, beside the options of every adapter. */
export interface ListedToolsOptions extends AgentOptions {
  /** 1–50, each account once. */
  servers: readonly AgentServer[];
  /**
   * Whether listing the tools waits, visible to the user like a step, until the user has connected every server that
   * needs it, for at most `timeouts.reauth`. Default: as `onPause` says of calls.
   */
  waitUntilConnected?: boolean;
  /**
   * Is told of the servers whose tools can't be listed, which are then left out, except for a `connectTool`. Default:
   * throws an ApplicationFailure of type `McpToolsUnavailable` for servers without a `connectTool`.
   */
  onUnavailable?: (servers: readonly UnavailableServer[]) => void;
}

/** A tool that the model may call, and how. */
export interface ListedTool {
  /** By which the model calls it. */
  name: string;
  address: ToolAddress;
  tool: Omit<ToolDescription, 'name'>;
  call: (args: Record<string, unknown>) => Promise<ModelAnswer>;
}

/**
 * Lists the tools of the servers that the model may call. Their names are those of `toolNames`.
 *
 * @throws ApplicationFailure of type `McpToolsUnavailable` if a server's can't be listed and it has no `connectTool`,
 *   unless there is `onUnavailable`
 * @throws ChildWorkflowFailure if the agent was cancelled (check with `isCancellation`)
 */
export async function listTools(options: ListedToolsOptions): Promise<ListedTool[]> {
  const listed = await listServers(options, options);
  const unavailable = listed.filter((one) => 'failure' in one);
  const connectTools = connectToolsFor(unavailable, options);
  if (unavailable.length === 0) warnOfUnknownTools(options.modes, listed.flatMap(toolsOf), {});
  const tools = [
    ...options.servers.flatMap((server) => callableTools(server, listed, options)),
    ...connectTools.map(({ address, tool, answer }) => ({ address, tool, call: async () => answer })),
  ];
  const names = toolNames(tools.map(({ address }) => address));
  return tools.map((tool, at) => ({ ...tool, name: names[at] ?? '' }));
}

function callableTools(
  server: AgentServer,
  listed: readonly McpToolsOfServer[],
  options: AgentOptions,
): Omit<ListedTool, 'name'>[] {
  const { mcpServerId, modes, filter = () => true } = server;
  const account = accountOf(server);
  const own = listed.find((one) => one.mcpServerId === mcpServerId && one.account === account);
  if (own === undefined || 'failure' in own) return [];
  const { tools } = own;
  warnOfUnknownTools(modes, tools, { mcpServerId, account });
  const caller = createToolCaller({ ...options, ...(modes && { modes }) });
  return tools.filter(filter).map((tool) => {
    const address = { mcpServerId, account, tool: tool.name };
    return { address, tool, call: (args) => caller({ ...address, arguments: args }) };
  });
}

function toolsOf(listed: McpToolsOfServer): ToolDescription[] {
  return 'tools' in listed ? listed.tools : [];
}
