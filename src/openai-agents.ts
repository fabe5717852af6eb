/**
 * The package export `latchkey/openai-agents`: an MCP server for agents of the OpenAI Agents SDK that run in workflows
 * with `@temporalio/openai-agents`. It runs inside workflows, so it must import workflow code only, and only types of
 * `@openai/agents-core`.
 *
 * @see https://openai.github.io/openai-agents-js/guides/mcp/
 */
import type { MCPServer } from '@openai/agents-core';
import { isCancellation } from '@temporalio/workflow';
import { connectToolName, connectToolsFor } from './agents/connect-tool.ts';
import type { ModelPart } from './agents/content-parts.ts';
import type { ModelAnswer } from './agents/model-answer.ts';
import type { AgentOptions } from './agents/options.ts';
import { createToolCaller } from './agents/tool-caller.ts';
import { listServer, type UnavailableServer } from './agents/tool-lister.ts';
import { accountMember } from './contracts/accounts.ts';
import type { McpToolsOfServer } from './contracts/mcp-tools.ts';
import type { ToolDescription } from './contracts/step.ts';

export type { AgentOptions, ToolModes } from './agents/options.ts';
export { TOOLS_UNAVAILABLE, type UnavailableServer } from './agents/tool-lister.ts';

/** Which server an agent gets, beside the options of every adapter. */
export interface LatchkeyMcpServerOptions extends AgentOptions {
  /** The MCP server, as it is registered at Latchkey. */
  mcpServerId: string;
  /** Which of the user's accounts at the server. Default `default`. */
  account?: string;
  /** The server's name for the agent. Default: `mcpServerId`, and `_<account>` for another account than `default`. */
  name?: string;
  /** Which tools the agent sees. */
  toolFilter?: NonNullable<MCPServer['toolFilter']>;
  /** Whether listing the tools waits until the user has connected the server. Default: as `onPause` says of calls. */
  waitUntilConnected?: boolean;
  /**
   * Called with one element when the server's tools can't be listed: the server, why, and where the user connects it.
   * The server has no tools then, except for a `connectTool`, and is asked again on the agent's next turn. Default:
   * `listTools()` throws, which ends the agent, unless there is a `connectTool`.
   */
  onUnavailable?: (servers: readonly UnavailableServer[]) => void;
}

/**
 * Returns an MCP server for `new Agent({ mcpServers: [...] })` in a workflow. Listing its tools and calling one are
 * children of the workflow on Latchkey's task queue, with the user's own credential. Tools are listed once; call
 * `invalidateToolsCache()` to list them again.
 *
 * A call throws only when the workflow is cancelled. Every other outcome is the tool's answer.
 * `listTools()` throws `ApplicationFailure` of type `McpToolsUnavailable` if the tools can't be listed, unless there is
 * a `connectTool` or `onUnavailable`.
 */
export function latchkeyMcpServer(options: LatchkeyMcpServerOptions): MCPServer {
  const { mcpServerId, toolFilter = {} } = options;
  const named = { mcpServerId, ...accountMember(options.account) };
  const call = createToolCaller(options);
  const list = createToolList(options);
  let connect: NamedTool | undefined;
  // An agent that listed before another one may still call the connect tool when the list has others. A workflow that
  // began before an upgrade may have listed it under a former name.
  const links = new Map<string, ModelAnswer>();
  let names = new Set<string>();
  return {
    name: options.name ?? [mcpServerId, ...Object.values(accountMember(options.account))].join('_'),
    // The framework's cache is keyed by the server's name and would mix up two users' servers.
    cacheToolsList: false,
    // The application's filter does not know the connect tool, which is the only one while it is there.
    get toolFilter() {
      return connect === undefined ? toolFilter : { allowedToolNames: [connect.tool.name] };
    },
    errorFunction: ({ error }) => wordsOf(error),
    async connect() {},
    async close() {},
    async listTools() {
      const server = await list.read();
      connect = 'failure' in server ? connectToolOf(server, options) : undefined;
      if (connect !== undefined) links.set(connect.tool.name, connect.answer);
      names = new Set('tools' in server ? server.tools.map(({ name }) => name) : []);
      if ('tools' in server) return server.tools as Tools;
      return (connect === undefined ? [] : [connect.tool]) as Tools;
    },
    async callTool(tool, args) {
      const link = names.has(tool) ? undefined : links.get(tool);
      if (link !== undefined) return frameworkContent(link);
      return frameworkContent(await call({ ...named, tool, arguments: args ?? {} }));
    },
    async invalidateToolsCache() {
      list.forget();
    },
  };
}

/** The tool that a server has while its user has not connected it. */
interface NamedTool {
  tool: ToolDescription;
  answer: ModelAnswer;
}

function connectToolOf(server: UnavailableServer, options: LatchkeyMcpServerOptions): NamedTool | undefined {
  const [connect] = connectToolsFor([server], options);
  return connect && { ...connect, tool: { ...connect.tool, name: connectToolName(connect) } };
}

/** Lists the server's tools once. A failure is not remembered, so that the next reader asks again. */
function createToolList({ mcpServerId, account, waitUntilConnected, ...options }: LatchkeyMcpServerOptions) {
  let listed: Promise<McpToolsOfServer> | undefined;
  const forget = () => {
    listed = undefined;
  };
  return {
    forget,
    async read(): Promise<McpToolsOfServer> {
      // Two agents may list at once.
      listed ??= listServer({ mcpServerId, ...accountMember(account), waitUntilConnected }, options);
      const server = await listed.catch((error: unknown) => {
        forget();
        throw error;
      });
      if ('failure' in server) forget();
      return server;
    },
  };
}

/**
 * The framework's type wants more of a schema than MCP does. The framework itself fills in what a server leaves out, so
 * the cast is safe.
 */
type Tools = Awaited<ReturnType<MCPServer['listTools']>>;

type Content = Awaited<ReturnType<MCPServer['callTool']>>;

// An exception that reached the framework would be wrapped so that the plugin could not see a cancellation in it, and the
// workflow would fail instead of being cancelled. As an answer it leads to the next call to the model, which a cancelled
// workflow can't make: that ends the workflow as cancelled.
function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.toString() : String(error);
  const what = isCancellation(error) ? 'The call was cancelled.' : `An error occurred: ${words}.`;
  return `${what} The tool may or may not have run. Do not repeat the call unless the user asks for it.`;
}

// Newer versions of the framework also read the two members. The cast is for the oldest one, whose type knows text only.
function frameworkContent({ outcome, parts, structuredContent }: ModelAnswer): Content {
  const content = parts.map(contentItem) as Content;
  return Object.assign(content, {
    ...(outcome !== 'success' && { isError: true }),
    ...(structuredContent && { structuredContent }),
  });
}

function contentItem(part: ModelPart): object {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'json':
      return { type: 'text', text: JSON.stringify(part.value) };
    case 'media': {
      const { mimeType, data } = part;
      // One item that the framework does not know makes it show all of them as a text.
      if (mimeType.startsWith('image/')) return { type: 'image', data, mimeType };
      return { type: 'text', text: `(A file of type ${mimeType}, which can't be shown here.)` };
    }
    default:
      return part satisfies never;
  }
}
