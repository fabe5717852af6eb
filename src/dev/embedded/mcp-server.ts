import { AsyncLocalStorage } from 'node:async_hooks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createRunTool, type DemoCall, type ToolAction, type ToolExchange } from './demo-tool-calls.ts';
import { BASIC_SCOPE, createDemoLedger, registerDemoTools } from './demo-tools.ts';
import { type LoopbackHttpServer, startLoopbackHttpServer } from './loopback-http-server.ts';
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
import { createRequestInterceptions, type Interception, matchesFilter } from './request-interceptions.ts';

export interface McpServerOptions {
  auth: McpServerAuth;
  /** Default: a free port. */
  port?: number;
  /** Respond with JSON instead of event streams, and without progress. Default false, as in the SDK. */
  jsonResponses?: boolean;
  /** The scope in the challenge of a 401, which a client requests first. Default: what most tools need. */
  initialScope?: string;
}

/** A real MCP server (official SDK, Streamable HTTP with sessions) on 127.0.0.1, with the demo tools. */
export interface DemoMcpServer {
  /** The server's URL, which is also its resource indicator. */
  readonly url: string;
  /** The executions of tools, oldest first. */
  calls(
    filter?: Partial<Pick<DemoCall, 'tool' | 'user' | 'idempotencyKey' | 'outcome'>>,
  ): readonly DemoCall[];
  /** All HTTP requests to `url`, oldest first. */
  requests(filter?: Partial<Omit<McpRequest, 'at'>>): readonly McpRequest[];
  readonly control: McpServerControl;
  /** Releases all held requests and frees the port. */
  stop(): Promise<void>;
}

export interface McpServerControl {
  /** Intercepts requests whose token is accepted, before their session handles them. */
  interceptRequests(action: McpRequestAction, options?: McpRequestInterceptionOptions): Interception;
  /** Intercepts tool calls right before or after their side effect. */
  interceptTools(action: ToolAction, options?: ToolInterceptionOptions): Interception;
  /** From now on, requests of the existing sessions get a 404. */
  forgetSessions(): void;
  /** Closes all connections, forgets all sessions, and listens again at the same URL. */
  restart(): Promise<void>;
  /** Refuses connections until `goOnline`. Sessions are kept. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
}

export interface ToolInterceptionOptions {
  tool?: string;
  user?: string;
  /** The number of calls to take. Default 1. With `Infinity`, all calls until the release. */
  times?: number;
}

export interface McpRequestInterceptionOptions extends ToolInterceptionOptions {
  httpMethod?: string;
  /** Such as `tools/list`. */
  rpcMethod?: string;
}

/** @throws the error of `listen`, such as `EADDRINUSE` */
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
      initialScope: options.initialScope ?? BASIC_SCOPE,
    },
    sessions: createMcpSessions(createServerFactory(exchanges, calls), options.jsonResponses ?? false),
    exchanges,
    requests: [],
    requestInterceptions: createRequestInterceptions(),
    toolInterceptions: createRequestInterceptions(),
  };
}

// The SDK needs a server object per session. All of them share one ledger.
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
