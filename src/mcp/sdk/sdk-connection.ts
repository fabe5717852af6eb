import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { present } from '../../contracts/present.ts';
import { classifyFailure, notAnswered, type RequestOutcome } from '../http/classify-failure.ts';
import { HttpRefusal } from '../http/failures.ts';
import { isDue, type RequestToken } from '../http/request-token.ts';
import { createRpcExchange, type RpcExchange } from '../http/rpc-exchange.ts';
import { MAX_TIMER_MS, type Watch } from '../http/watch.ts';
import { protocolError } from '../mcp-failure.ts';
import type { McpTarget, RequestFailure, ToolCall } from '../port.ts';
import { cancelWithWatch } from './cancellation.ts';
import { createSessionProbe, mayRefuseSession } from './session-probe.ts';

export interface SdkConnectionDeps {
  exchanges: AsyncLocalStorage<RpcExchange>;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

export interface RpcRequest {
  method: string;
  params: Record<string, unknown>;
  onProgress?: ToolCall['onProgress'];
}

/** How a list describes a tool. */
export type ListedTool = 'callable' | 'only-as-task';

/** A session with one server for one user. Any number of requests may be open at once. */
export interface SdkConnection {
  /** The last token that the server accepted in this session. */
  readonly acceptedToken: () => string | undefined;
  /** The last tokens that the server was sent in this session. It may quote any of them. */
  readonly sentTokens: () => string[];
  /** The server says that it has tools. */
  readonly announcesTools: () => boolean;
  /** The server says that its tools may be called as tasks; some may have to be. */
  readonly announcesTasks: () => boolean;
  /** The negotiated revision of MCP has tasks. */
  readonly knowsTasks: () => boolean;
  /** The tools that the server listed last in this session, by name. */
  readonly listedTools: Map<string, ListedTool>;
  /** Sends one request with the token and the `maxResultBytes` of `target`. */
  request(request: RpcRequest, target: McpTarget, watch: Watch): Promise<RequestOutcome>;
  /** Aborts all open requests. `endSession` also deletes the session at the server. */
  close(endSession: boolean): Promise<void>;
}

/** Creates the session over an initialized transport. `firstToken` is the token that the server accepted for that. */
export function createSdkConnection(
  { exchanges, clock }: SdkConnectionDeps,
  transport: StreamableHTTPClientTransport,
  client: Client,
  firstToken: RequestToken,
): SdkConnection {
  const tokens = createSessionTokens(firstToken);
  let closed = false;
  const probe = createSessionProbe({ exchanges, client, isClosed: () => closed });

  async function request(message: RpcRequest, target: McpTarget, watch: Watch): Promise<RequestOutcome> {
    const exchange = createRpcExchange({
      token: target,
      maxAnswerBytes: target.maxResultBytes,
      // The watch ends the request.
      answerTimeoutMs: MAX_TIMER_MS,
      alive: () => watch.alive(),
      held: (change) => watch.held(change),
    });
    if (closed || watch.signal.aborted) return abandoned(exchange, watch);
    tokens.send(target);
    const cancellation = cancelWithWatch(watch, exchange, (run) => exchanges.run(exchange, run));
    try {
      const result = await exchanges.run(exchange, () => send(client, message, cancellation.signal, watch));
      tokens.accept(target);
      return exchange.answer ?? { kind: 'result', result, warnings: [], size: 0 };
    } catch (error) {
      if (watch.signal.aborted) await cancellation.cancellationSent();
      exchange.hangUp.abort();
      // The SDK keeps the listeners of a request whose sending failed until it is cancelled.
      cancellation.cancel();
      const outcome = outcomeOfError(error, exchange, watch);
      return mayRefuseSession(error) ? probe.check(outcome, error, target) : outcome;
    } finally {
      cancellation.release();
      // A socket that was opened for this exchange keeps a reference to it until it is closed.
      delete exchange.answer;
    }
  }

  function outcomeOfError(error: unknown, exchange: RpcExchange, watch: Watch): RequestOutcome {
    if (watch.signal.aborted || closed) return abandoned(exchange, watch);
    if (exchange.tokenWasDue) return { kind: 'token-stale' };
    if (error instanceof HttpRefusal && error.facts.answer !== undefined) {
      tokens.accept(exchange.token);
      return error.facts.answer;
    }
    const failure = classifyFailure(error, clock());
    if (failure?.kind === 'unauthorized') tokens.refuse(exchange.token);
    if (failure !== undefined) return failure;
    if (!exchange.answered) throw error;
    tokens.accept(exchange.token);
    if (exchange.answer?.kind === 'rpc-error') return exchange.answer;
    return protocolError(
      'The MCP server’s answer is not valid JSON-RPC.',
      'the response to the request is neither a result nor an error of JSON-RPC 2.0',
    );
  }

  async function close(endSession: boolean): Promise<void> {
    closed = true;
    await client.close();
    if (endSession && (await tokens.canDeleteSession())) await deleteSession();
  }

  // If the server refuses the request or can't be reached, the session ends by the server's own time limit.
  async function deleteSession(): Promise<void> {
    const exchange = createRpcExchange({ token: tokens.accepted(), maxAnswerBytes: 0, answerTimeoutMs: 0 });
    await exchanges.run(exchange, () => transport.terminateSession()).catch(() => {});
  }

  return {
    acceptedToken: () => tokens.accepted().bearerToken,
    sentTokens: tokens.sent,
    announcesTools: () => client.getServerCapabilities()?.tools !== undefined,
    announcesTasks: () => client.getServerCapabilities()?.tasks?.requests?.tools?.call !== undefined,
    // Revisions are dates.
    knowsTasks: () => (transport.protocolVersion ?? '') >= '2025-11-25',
    listedTools: new Map(),
    request,
    close,
  };
}

function send(
  client: Client,
  { method, params, onProgress }: RpcRequest,
  signal: AbortSignal,
  watch: Watch,
): Promise<unknown> {
  return client.request({ method, params }, z.unknown(), {
    signal,
    timeout: MAX_TIMER_MS,
    onprogress: ({ progress, total, message }) => {
      watch.alive();
      onProgress?.({ progress, ...present({ total, message }) });
    },
  });
}

const MAX_SENT_TOKENS = 8;

/** Remembers the tokens that the server was sent last, and which it accepted last, to delete the session with it. */
function createSessionTokens(first: RequestToken) {
  const sent = new Set<string>();
  let accepted = tokenForDelete(first);
  let refused: string | undefined;

  function send({ bearerToken }: RequestToken): void {
    if (bearerToken === undefined) return;
    sent.delete(bearerToken);
    sent.add(bearerToken);
    for (const oldest of [...sent].slice(0, -MAX_SENT_TOKENS)) sent.delete(oldest);
  }

  send(first);
  return {
    send,
    sent: () => [...sent],
    accepted: () => accepted,
    accept(token: RequestToken): void {
      accepted = tokenForDelete(token);
    },
    refuse({ bearerToken }: RequestToken): void {
      refused = bearerToken;
    },
    /** The session may have been idle for long, so its token may have been renewed, revoked or refused meanwhile. */
    async canDeleteSession(): Promise<boolean> {
      if (accepted.bearerToken === undefined) return true;
      if (accepted.bearerToken === refused || isDue(accepted)) return false;
      return (await accepted.tokenIsCurrent?.()) ?? true;
    },
  };
}

/** The part of a token that a session keeps to delete itself at the server. It fetches no other token for that. */
function tokenForDelete({ bearerToken, tokenIsDue, tokenIsCurrent }: RequestToken): RequestToken {
  return present({ bearerToken, tokenIsDue, tokenIsCurrent });
}

function abandoned({ sent }: RpcExchange, watch: Watch): RequestFailure {
  // Without an aborted watch, Latchkey closed the connection while the request was open.
  const cause = watch.signal.aborted ? watch.cause() : 'cancelled';
  return notAnswered(cause, sent);
}
