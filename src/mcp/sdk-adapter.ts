import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import type { GuardedFetch } from '../net/network.ts';
import type { SecretRedaction } from '../net/secret-redaction.ts';
import { createTurns } from '../turns/turns.ts';
import {
  callFailure,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  invalidArguments,
  METHOD_NOT_FOUND,
  rpcFailure,
  unknownTool,
} from './call-failure.ts';
import { callSecrets, noticingFreshToken } from './call-secrets.ts';
import type { Verdict } from './classify-failure.ts';
import type {
  CallToolOutcome,
  ListToolsOptions,
  ListToolsOutcome,
  McpFailure,
  McpPort,
  McpTarget,
  ToolCall,
} from './mcp-port.ts';
import { callOutcome, listOutcome } from './outcome.ts';
import { tokenBeside } from './request-token.ts';
import type { RpcError } from './rpc-answer.ts';
import type { Answer, ListedTool, RpcRequest, SdkConnection } from './sdk-connection.ts';
import { createSdkSessions } from './sdk-sessions.ts';
import { SERVER_LIMITS, type ServerLimits } from './server-limits.ts';
import { serverMessage } from './server-message.ts';
import { needsTask, onlyAsTask } from './task-support.ts';
import { type GatheredTools, gatherTools, type PageAnswer } from './tool-list.ts';
import { loneText, readToolResult } from './tool-result.ts';
import { createWatch, type Watch } from './watch.ts';
import { callWithoutSecrets, withoutSecrets } from './without-secrets.ts';

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
  /** What servers can make this process do. Default: `SERVER_LIMITS`. */
  serverLimits?: Partial<ServerLimits>;
  /** What servers are told of the client's version. */
  clientVersion?: string;
}

/**
 * MCP over `@modelcontextprotocol/sdk`: protocol versions up to 2025-11-25 over Streamable HTTP. In the
 * steady state a call is one HTTP request.
 */
export function createMcpSdkAdapter(deps: McpSdkAdapterDeps): McpPort {
  const { maxConnections, idleMs, initializeTimeoutMs, checkTimeoutMs } = {
    ...DEFAULT_MCP_LIMITS,
    ...deps.limits,
  };
  const serverLimits = { ...SERVER_LIMITS, ...deps.serverLimits };
  const turns = createTurns();
  const sessions = createSdkSessions({
    maxConnections,
    idleMs,
    logger: deps.logger,
    connecting: {
      guardedFetch: deps.guardedFetch,
      exchanges: new AsyncLocalStorage(),
      clock: deps.clock ?? Date.now,
      initializeTimeoutMs,
      serverLimits,
      turns,
      clientVersion: deps.clientVersion ?? '0.1.0',
    },
  });

  async function callTool(own: McpTarget, ownCall: ToolCall): Promise<CallToolOutcome> {
    const secrets = callSecrets(own);
    const target = noticingFreshToken(own, secrets);
    const call = callWithoutSecrets(ownCall, secrets);
    const { signal, ceilingMs, inactivityTimeoutMs: inactivityMs } = call;
    const watch = createWatch({ signal, ceilingMs, inactivityMs });
    try {
      const invoking = (session: SdkConnection) => {
        secrets.add(session.acceptedToken());
        return invoke({ session, target, call, secrets }, watch);
      };
      const outcome = callOutcome(await sessions.use(target, watch, invoking));
      return await turns.take(withoutSecrets(outcome, secrets));
    } finally {
      watch.stop();
    }
  }

  async function listTools(
    target: McpTarget,
    { timeoutMs, ...options }: ListToolsOptions,
  ): Promise<ListToolsOutcome> {
    const secrets = callSecrets(target);
    const watch = createWatch({ ...options, ceilingMs: timeoutMs });
    try {
      const listing = (session: SdkConnection) => {
        secrets.add(session.acceptedToken());
        return list(session, target, watch);
      };
      const outcome = listOutcome(await sessions.use(target, watch, listing));
      return await turns.take(withoutSecrets(outcome, secrets));
    } finally {
      watch.stop();
    }
  }

  async function invoke(invocation: Invocation, watch: Watch): Promise<CallToolOutcome | Verdict> {
    const { session, target, call, secrets } = invocation;
    if (await isKnownToNeedTask(invocation)) return onlyAsTask(call.tool);
    watch.alive();
    const answer = await session.request(toolsCall(call), target, watch);
    if (answer.kind === 'rpc-error') return judgeRpcError(answer, invocation);
    if (answer.kind === 'session-lost' && answer.error !== undefined) {
      const { code, message } = answer.error;
      return { ...answer, failure: await quoting(withoutList(code, call), message, invocation.secrets) };
    }
    if (answer.kind !== 'result') return answer;
    const read = await turns.take(readToolResult(answer.result, answer.warnings));
    const words = read.isError ? loneText(read.result) : undefined;
    if (words === undefined) return read;
    const failure = await failureByList(invocation);
    return failure === undefined ? read : await quoting(failure, words, secrets);
  }

  // Any JSON-RPC error is an answer: the call is not lost, and not made again.
  async function judgeRpcError(error: RpcError, invocation: Invocation): Promise<McpFailure> {
    return quoting(await failureOf(error, invocation), error.message, invocation.secrets);
  }

  async function quoting(
    failure: McpFailure,
    words: string | undefined,
    secrets: SecretRedaction,
  ): Promise<McpFailure> {
    const quoted = await turns.take(serverMessage(words, secrets));
    return quoted === undefined ? failure : { ...failure, serverMessage: quoted };
  }

  // MCP 2025-11-25, server/tools#error-handling: -32602 means an unknown tool; older servers also mean invalid
  // arguments by it, and others answer an unknown tool, or one that needs a task, with -32601.
  async function failureOf({ code, isOfNoRequest }: RpcError, invocation: Invocation): Promise<McpFailure> {
    const mayNeedTask = !isOfNoRequest && (code === INVALID_REQUEST || code === INTERNAL_ERROR);
    if (mayNeedTask && (await isListedAsTask(invocation))) return onlyAsTask(invocation.call.tool);
    if (code !== INVALID_PARAMS && code !== METHOD_NOT_FOUND) return callFailure(code);
    // Of the request as a whole, not of this tool or its arguments.
    if (isOfNoRequest) return rpcFailure(code);
    const byList = await failureByList(invocation);
    return byList ?? withoutList(code, invocation.call);
  }

  /** What the server's list says of a call that failed. */
  async function failureByList(invocation: Invocation): Promise<McpFailure | undefined> {
    const { call } = invocation;
    const listed = await lookUp(invocation);
    if (listed === 'missing') return unknownTool(call);
    return listed === 'only-as-task' ? onlyAsTask(call.tool) : undefined;
  }

  // A server that announces no tasks may have a tool that is one all the same, and refuse it in its own way. Older
  // revisions have no tasks.
  async function isListedAsTask(invocation: Invocation): Promise<boolean> {
    return invocation.session.knowsTasks() && (await lookUp(invocation)) === 'only-as-task';
  }

  // Asked before a call only in a session whose server announces tasks, and until it has listed the tool once. To
  // all other servers a call is one request.
  async function isKnownToNeedTask(invocation: Invocation): Promise<boolean> {
    const { session, call } = invocation;
    const known = session.listedTools.get(call.tool);
    if (known === undefined ? !session.announcesTasks() : known === 'callable') return false;
    return (await lookUp(invocation)) === 'only-as-task';
  }

  /**
   * What the server's list says of the tool; undefined where the server gives no list. A tool that was listed as
   * callable is remembered for the session. Anything else is looked up anew each time, as it may have changed.
   */
  async function lookUp({
    session,
    target: own,
    call,
  }: Invocation): Promise<ListedTool | 'missing' | undefined> {
    if (session.listedTools.get(call.tool) === 'callable') return 'callable';
    const target = await tokenBeside(own);
    if (target === undefined) return undefined;
    const watch = createWatch({ ceilingMs: checkTimeoutMs, signal: call.signal });
    try {
      const gathered = await list(session, target, watch);
      if (gathered.kind !== 'listed') return undefined;
      return session.listedTools.get(call.tool) ?? 'missing';
    } finally {
      watch.stop();
    }
  }

  async function list(session: SdkConnection, target: McpTarget, watch: Watch): Promise<GatheredTools> {
    const page = async (cursor: string | undefined, maxResultBytes: number) => {
      const params = cursor === undefined ? {} : { cursor };
      const request = { method: 'tools/list', params };
      return pageAnswer(await session.request(request, { ...target, maxResultBytes }, watch), session);
    };
    const { maxResultBytes } = target;
    const gathered = await gatherTools(page, { turns, limits: serverLimits, maxResultBytes });
    if (gathered.kind === 'listed') remember(gathered, session, target);
    return gathered;
  }

  function remember(
    { names, tools }: Extract<GatheredTools, { kind: 'listed' }>,
    { listedTools }: SdkConnection,
    { mcpServerId }: McpTarget,
  ): void {
    listedTools.clear();
    for (const name of names) listedTools.set(name, 'callable');
    for (const tool of tools) if (needsTask(tool)) listedTools.set(tool.name, 'only-as-task');
    const unreadable = names.length - tools.length;
    if (unreadable > 0) deps.logger?.warn({ mcpServerId, unreadable }, 'unreadable MCP tools left out');
  }

  return { callTool, listTools, close: () => sessions.close() };
}

interface Invocation {
  session: SdkConnection;
  target: McpTarget;
  call: ToolCall;
  secrets: SecretRedaction;
}

function toolsCall(call: ToolCall): RpcRequest {
  const _meta = { 'latchkey/idempotency-key': call.idempotencyKey };
  return {
    method: 'tools/call',
    params: { name: call.tool, arguments: call.arguments, _meta },
    onProgress: call.onProgress,
  };
}

/** A JSON-RPC error of which the server's list says nothing. */
function withoutList(code: number | undefined, call: ToolCall): McpFailure {
  return code === INVALID_PARAMS ? invalidArguments(call) : callFailure(code);
}

function pageAnswer(answer: Answer, session: SdkConnection): PageAnswer {
  if (answer.kind !== 'rpc-error') return answer;
  // The SDK's own server knows no `tools/list` before it has a tool; then it does not announce tools either.
  const hasNone = answer.code === METHOD_NOT_FOUND && !session.announcesTools();
  return hasNone ? { kind: 'result', result: { tools: [] }, size: 0 } : rpcFailure(answer.code);
}
