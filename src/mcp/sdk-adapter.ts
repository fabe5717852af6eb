import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import type { GuardedFetch } from '../net/network.ts';
import { protocolError, type Verdict } from './classify-failure.ts';
import type {
  CallToolOutcome,
  ListToolsOutcome,
  McpFailure,
  McpPort,
  McpTarget,
  ToolCall,
} from './mcp-port.ts';
import { callOutcome, listOutcome } from './outcome.ts';
import { tokenBeside } from './request-token.ts';
import type { Answer, RpcRequest, SdkConnection } from './sdk-connection.ts';
import { createSdkSessions } from './sdk-sessions.ts';
import { type GatheredTools, gatherTools, type PageAnswer } from './tool-list.ts';
import { mayMeanUnknownTool, readToolResult } from './tool-result.ts';
import { createWatch, type Watch } from './watch.ts';

export interface McpLimits {
  /** Pooled connections, at most. Default 500. */
  maxConnections: number;
  /** Milliseconds without use after which a connection is closed. Default 5 minutes. */
  idleMs: number;
  /** Milliseconds for opening a session. Default 30,000. */
  initializeTimeoutMs: number;
  /** Milliseconds for the list that tells, after a failure, whether a tool exists. Default 15,000. */
  checkTimeoutMs: number;
}

export const DEFAULT_MCP_LIMITS: McpLimits = {
  maxConnections: 500,
  idleMs: 5 * 60_000,
  initializeTimeoutMs: 30_000,
  checkTimeoutMs: 15_000,
};

export interface McpSdkAdapterDeps {
  guardedFetch: GuardedFetch;
  /** Milliseconds since the epoch; `Retry-After` dates are read by it. */
  clock?: () => number;
  logger?: Pick<Logger, 'warn'>;
  limits?: Partial<McpLimits>;
  /** What servers are told of the client's version. */
  clientVersion?: string;
}

/** JSON-RPC 2.0 §5.1. */
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/**
 * MCP over `@modelcontextprotocol/sdk`: protocol versions up to 2025-11-25 over Streamable HTTP. In the
 * steady state a call is one HTTP request.
 */
export function createMcpSdkAdapter(deps: McpSdkAdapterDeps): McpPort {
  const { maxConnections, idleMs, initializeTimeoutMs, checkTimeoutMs } = {
    ...DEFAULT_MCP_LIMITS,
    ...deps.limits,
  };
  const sessions = createSdkSessions({
    maxConnections,
    idleMs,
    logger: deps.logger,
    connecting: {
      guardedFetch: deps.guardedFetch,
      exchanges: new AsyncLocalStorage(),
      clock: deps.clock ?? Date.now,
      initializeTimeoutMs,
      clientVersion: deps.clientVersion ?? '0.1.0',
    },
  });

  async function callTool(target: McpTarget, call: ToolCall): Promise<CallToolOutcome> {
    const { signal, ceilingMs, inactivityTimeoutMs: inactivityMs } = call;
    const watch = createWatch({ signal, ceilingMs, inactivityMs });
    try {
      const invoking = (session: SdkConnection) => invoke({ session, target, call }, watch);
      return callOutcome(await sessions.use(target, watch, invoking));
    } finally {
      watch.stop();
    }
  }

  async function listTools(target: McpTarget, options: { timeoutMs: number }): Promise<ListToolsOutcome> {
    const watch = createWatch({ ceilingMs: options.timeoutMs });
    try {
      return listOutcome(await sessions.use(target, watch, (session) => list(session, target, watch)));
    } finally {
      watch.stop();
    }
  }

  async function invoke(invocation: Invocation, watch: Watch): Promise<CallToolOutcome | Verdict> {
    const { session, target, call } = invocation;
    watch.alive();
    const answer = await session.request(toolsCall(call), target, watch);
    if (answer.kind === 'rpc-error') return judgeRpcError(answer.code, invocation);
    if (answer.kind !== 'result') return answer;
    const read = readToolResult(answer.result);
    if (read.kind !== 'completed' || !read.isError || !mayMeanUnknownTool(read.result)) return read;
    return (await toolExists(invocation)) === false ? unknownTool(call) : read;
  }

  // MCP 2025-11-25, server/tools#error-handling: -32602 means an unknown tool; older servers also mean invalid
  // arguments by it. Any JSON-RPC error is an answer: the call is not lost.
  async function judgeRpcError(code: number, invocation: Invocation): Promise<McpFailure> {
    if (code !== INVALID_PARAMS) return rpcFailure(code);
    return (await toolExists(invocation)) === false
      ? unknownTool(invocation.call)
      : invalidArguments(invocation.call);
  }

  /**
   * Asked only after a failure that could mean either, so that no step pays for a list beforehand. Tools that
   * were listed are remembered for the session; a missing one is looked for anew each time, as it may have
   * been added. Undefined where the server gives no list.
   */
  async function toolExists({ session, target: own, call }: Invocation): Promise<boolean | undefined> {
    if (session.listedTools.has(call.tool)) return true;
    const target = await tokenBeside(own);
    if (target === undefined) return undefined;
    const watch = createWatch({ ceilingMs: checkTimeoutMs, signal: call.signal });
    try {
      const gathered = await list(session, target, watch);
      return gathered.kind === 'listed' ? gathered.names.includes(call.tool) : undefined;
    } finally {
      watch.stop();
    }
  }

  async function list(session: SdkConnection, target: McpTarget, watch: Watch): Promise<GatheredTools> {
    const gathered = await gatherTools(async (cursor) => {
      const params = cursor === undefined ? {} : { cursor };
      return pageAnswer(await session.request({ method: 'tools/list', params }, target, watch), session);
    });
    if (gathered.kind === 'listed') remember(gathered, session, target);
    return gathered;
  }

  function remember(
    { names, tools }: Extract<GatheredTools, { kind: 'listed' }>,
    { listedTools }: SdkConnection,
    { mcpServerId }: McpTarget,
  ): void {
    for (const name of names) listedTools.add(name);
    const unreadable = names.length - tools.length;
    if (unreadable > 0) deps.logger?.warn({ mcpServerId, unreadable }, 'unreadable MCP tools left out');
  }

  return { callTool, listTools, close: () => sessions.close() };
}

interface Invocation {
  session: SdkConnection;
  target: McpTarget;
  call: ToolCall;
}

function toolsCall(call: ToolCall): RpcRequest {
  const _meta = { 'latchkey/idempotency-key': call.idempotencyKey };
  return {
    method: 'tools/call',
    params: { name: call.tool, arguments: call.arguments, _meta },
    onProgress: call.onProgress,
  };
}

function pageAnswer(answer: Answer, session: SdkConnection): PageAnswer {
  if (answer.kind !== 'rpc-error') return answer;
  // The SDK's own server knows no `tools/list` before it has a tool; then it does not announce tools either.
  const hasNone = answer.code === METHOD_NOT_FOUND && !session.announcesTools();
  return hasNone ? { kind: 'result', result: { tools: [] } } : rpcFailure(answer.code);
}

function rpcFailure(code: number): McpFailure {
  return protocolError(
    `The MCP server answered with JSON-RPC error ${code}.`,
    `JSON-RPC error ${code}: the call was answered, not lost`,
  );
}

function unknownTool({ tool }: ToolCall): McpFailure {
  return {
    kind: 'failed',
    code: 'unknown-tool',
    message: `The MCP server has no tool “${tool}”.`,
    operatorMessage: 'the call was refused, and tools/list lacks the tool',
  };
}

function invalidArguments({ tool }: ToolCall): McpFailure {
  return {
    kind: 'failed',
    code: 'invalid-arguments',
    message: `The MCP server refused the arguments of the tool “${tool}”.`,
    operatorMessage: `JSON-RPC error ${INVALID_PARAMS}, and tools/list does not lack the tool`,
  };
}
