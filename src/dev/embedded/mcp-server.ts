import { AsyncLocalStorage } from 'node:async_hooks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createDemoLedger } from './demo-ledger.ts';
import { createRunTool, type DemoCall, type ToolAction, type ToolExchange } from './demo-tool-calls.ts';
import { BASIC_SCOPE, registerDemoTools } from './demo-tools.ts';
import { type LoopbackHttpServer, startLoopbackHttpServer } from './loopback-http-server.ts';
import { matchesFilter } from './matches-filter.ts';
import type { McpServerAuth } from './mcp-server-authorization.ts';
import {
  createMcpListener,
  MCP_PATH,
  type McpListenerDeps,
  type McpRequest,
  type McpRequestAction,
  METADATA_PATH,
} from './mcp-server-listener.ts';
import { createMcpSessions } from './mcp-server-sessions.ts';
import { createRequestInterceptions, type Interception } from './request-interceptions.ts';

export interface McpServerOptions {
  auth: McpServerAuth;
  /** Default: a free one. */
  port?: number;
  /** Answer with JSON instead of event streams; progress is then lost. Default false, as the SDK's. */
  jsonResponses?: boolean;
}

/** A real MCP server (official SDK, Streamable HTTP with sessions) on 127.0.0.1, with the demo tools. */
export interface DemoMcpServer {
  /** Also its resource indicator. */
  readonly url: string;
  /** The tools' real executions, oldest first. */
  calls(
    filter?: Partial<Pick<DemoCall, 'tool' | 'user' | 'idempotencyKey' | 'outcome'>>,
  ): readonly DemoCall[];
  /** HTTP requests at `url`, whatever came of them, oldest first. */
  requests(filter?: Partial<Omit<McpRequest, 'at'>>): readonly McpRequest[];
  readonly control: McpServerControl;
  /** Releases everything held and frees the port. */
  stop(): Promise<void>;
}

export interface McpServerControl {
  /** Interferes with requests whose token is accepted, before their session sees them. */
  interceptRequests(action: McpRequestAction, options?: McpRequestInterceptionOptions): Interception;
  /** Interferes with tool calls right before or after their side effect. */
  interceptTools(action: ToolAction, options?: ToolInterceptionOptions): Interception;
  /** Today's sessions are unknown from now on (404). */
  forgetSessions(): void;
  /** Cuts every connection, forgets every session, and is back at the same URL. */
  restart(): Promise<void>;
  /** Connections are refused until `goOnline`; sessions are kept. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
}

export interface ToolInterceptionOptions {
  tool?: string;
  user?: string;
  /** Calls to take. Default 1; `Infinity` until released. */
  times?: number;
}

export interface McpRequestInterceptionOptions extends ToolInterceptionOptions {
  httpMethod?: string;
  /** E.g. `tools/list`. */
  rpcMethod?: string;
}

/** @throws The error of `listen`, e.g. `EADDRINUSE`. */
export async function startMcpServer(options: McpServerOptions): Promise<DemoMcpServer> {
  const server = await startLoopbackHttpServer(options.port);
  const calls: DemoCall[] = [];
  const deps = createListenerDeps(server.origin, options, calls);
  server.http.on('request', createMcpListener(deps));
  return {
    url: deps.resource.resource,
    calls: (filter = {}) => calls.filter((call) => matchesFilter(call, filter)),
    requests: (filter = {}) => deps.requests.filter((request) => matchesFilter(request, filter)),
    control: createControl(server, deps),
    async stop() {
      deps.requestInterceptions.releaseAll();
      deps.toolInterceptions.releaseAll();
      await server.close();
      await deps.sessions.close();
    },
  };
}

function createListenerDeps(origin: string, options: McpServerOptions, calls: DemoCall[]): McpListenerDeps {
  const exchanges = new AsyncLocalStorage<ToolExchange>();
  return {
    auth: options.auth,
    resource: {
      resource: origin + MCP_PATH,
      metadataUrl: origin + METADATA_PATH + MCP_PATH,
      initialScope: BASIC_SCOPE,
    },
    sessions: createMcpSessions(createServerFactory(exchanges, calls), options.jsonResponses ?? false),
    exchanges,
    requests: [],
    requestInterceptions: createRequestInterceptions(),
    toolInterceptions: createRequestInterceptions(),
  };
}

// The SDK wants a server object for each session; the ledger is everybody's.
function createServerFactory(exchanges: AsyncLocalStorage<ToolExchange>, calls: DemoCall[]) {
  const ledger = createDemoLedger();
  const run = createRunTool(calls, () => {
    const exchange = exchanges.getStore();
    if (exchange === undefined) throw new Error('a tool call without its HTTP request');
    return exchange;
  });
  return () => {
    const server = new McpServer({ name: 'latchkey-demo', version: '1.0.0' });
    registerDemoTools(server, ledger, run);
    return server;
  };
}

function createControl(server: LoopbackHttpServer, deps: McpListenerDeps): McpServerControl {
  const { requestInterceptions, toolInterceptions, sessions } = deps;
  return {
    interceptRequests: (action, { times = 1, ...filter } = {}) =>
      requestInterceptions.add((request) => matchesFilter(request, filter), action, times),
    interceptTools: (action, { times = 1, ...filter } = {}) =>
      toolInterceptions.add((call) => matchesFilter(call, filter), action, times),
    forgetSessions: sessions.forget,
    async restart() {
      await server.close();
      sessions.forget();
      await server.open();
    },
    goOffline: server.close,
    goOnline: server.open,
  };
}
