import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import {
  classifyFailure,
  HttpRefusal,
  protocolError,
  unusableStatus,
  type Verdict,
} from './classify-failure.ts';
import type { McpTarget, ToolCall } from './mcp-port.ts';
import { isDue, type RequestToken, tokenBeside } from './request-token.ts';
import type { RpcAnswer } from './rpc-answer.ts';
import { createRpcExchange, type RpcExchange } from './rpc-exchange.ts';
import { LONGEST_TIMER_MS, type Watch } from './watch.ts';

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

/** What came of one JSON-RPC request. A server's JSON-RPC error is an answer. */
export type Answer = RpcAnswer | Verdict;

/** What a list said of a tool. */
export type ListedTool = 'callable' | 'only-as-task';

/** A session with one server for one user; any number of requests may be under way at once. */
export interface SdkConnection {
  /** The last token that the server accepted in this session. */
  readonly acceptedToken: () => string | undefined;
  /** The server says that it has tools. */
  readonly announcesTools: () => boolean;
  /** The server says that its tools may be called as tasks; some may have to be. */
  readonly announcesTasks: () => boolean;
  /** The revision that was agreed on has tasks. */
  readonly knowsTasks: () => boolean;
  /** What the server listed last in this session, by name. */
  readonly listedTools: Map<string, ListedTool>;
  /** `maxAnswerBytes` and the token are those of this one request. */
  request(request: RpcRequest, target: McpTarget, watch: Watch): Promise<Answer>;
  /** Hangs up on what is under way; `endSession` also tells the server. */
  close(endSession: boolean): Promise<void>;
}

/** How long an end of a call waits for the server to have been told of it, ms. */
const CANCELLATION_GRACE_MS = 1_000;
/** How long a `ping` may take that asks whether a session is known, ms. */
const PROBE_MS = 5_000;
const MAX_PONG_BYTES = 64 * 1024;
const METHOD_NOT_FOUND = -32601;

/** Over a transport that is initialized already. `firstToken` is the one that the server accepted for that. */
export function createSdkConnection(
  { exchanges, clock }: SdkConnectionDeps,
  transport: StreamableHTTPClientTransport,
  client: Client,
  firstToken: RequestToken,
): SdkConnection {
  let accepted = withoutFresh(firstToken);
  let refusedToken: string | undefined;
  let probing: Promise<boolean> | undefined;
  let closed = false;

  async function request(message: RpcRequest, target: McpTarget, watch: Watch): Promise<Answer> {
    const exchange = createRpcExchange({
      token: target,
      maxAnswerBytes: target.maxResultBytes,
      // The watch is the one that decides.
      answerTimeoutMs: LONGEST_TIMER_MS,
      alive: (bytes) => watch.alive(bytes),
    });
    if (closed || watch.signal.aborted) return abandoned(exchange, watch);
    const cancelling = cancelWith(watch, exchange);
    try {
      const result = await exchanges.run(exchange, () => send(message, cancelling.signal, watch));
      accepted = withoutFresh(target);
      return exchange.answer ?? { kind: 'result', result, warnings: [], size: 0 };
    } catch (error) {
      if (watch.signal.aborted) await cancelling.told;
      exchange.hangUp.abort();
      // The SDK keeps the listeners of a request whose sending failed until it is cancelled.
      cancelling.cancel();
      const answer = judge(error, exchange, watch);
      return doubtsSession(error) ? withoutSession(answer, error, target) : answer;
    } finally {
      cancelling.release();
      // A socket that was opened for this exchange holds on to it for as long as it lives.
      delete exchange.answer;
    }
  }

  function send({ method, params, onProgress }: RpcRequest, signal: AbortSignal, watch: Watch) {
    return client.request({ method, params }, z.unknown(), {
      signal,
      timeout: LONGEST_TIMER_MS,
      onprogress: ({ progress, total, message }) => {
        watch.alive();
        onProgress?.({
          progress,
          ...(total !== undefined && { total }),
          ...(message !== undefined && { message }),
        });
      },
    });
  }

  function judge(error: unknown, exchange: RpcExchange, watch: Watch): Answer {
    if (watch.signal.aborted || closed) return abandoned(exchange, watch);
    if (exchange.tokenWasDue) return { kind: 'token-due' };
    if (error instanceof HttpRefusal && error.facts.answer !== undefined) {
      accepted = withoutFresh(exchange.token);
      return error.facts.answer;
    }
    const verdict = classifyFailure(error, clock());
    if (verdict?.kind === 'unauthorized') refusedToken = exchange.token.bearerToken;
    if (verdict !== undefined) return verdict;
    if (!exchange.answered) throw error;
    accepted = withoutFresh(exchange.token);
    if (exchange.answer?.kind === 'rpc-error') return exchange.answer;
    return protocolError(
      'The MCP server’s answer is not valid JSON-RPC.',
      'the response to the request is neither a result nor an error of JSON-RPC 2.0',
    );
  }

  /** What a refusal means that may be about the session: asked by `ping`, once for all calls that wait to know. */
  async function withoutSession(answer: Answer, refusal: HttpRefusal, target: McpTarget): Promise<Answer> {
    // A tool that gave a result has run.
    if (answer.kind !== 'failed' && answer.kind !== 'rpc-error') return answer;
    probing ??= pingIsRefused(target).finally(() => {
      probing = undefined;
    });
    if (!(await probing)) return answer;
    const failure = answer.kind === 'failed' ? answer : unusableStatus(refusal.facts);
    return { kind: 'session-lost', failure, ...(answer.kind === 'rpc-error' && { error: answer }) };
  }

  async function pingIsRefused(target: McpTarget): Promise<boolean> {
    const token = await tokenBeside(target);
    if (token === undefined || closed) return false;
    const exchange = createRpcExchange({ token, maxAnswerBytes: MAX_PONG_BYTES, answerTimeoutMs: PROBE_MS });
    const { signal } = exchange.hangUp;
    // Inside the exchange, for the same reason as in `cancelWith`.
    const hangUp = () => exchanges.run(exchange, () => exchange.hangUp.abort());
    const timer = setTimeout(hangUp, PROBE_MS);
    try {
      const options = { signal, timeout: LONGEST_TIMER_MS };
      await exchanges.run(exchange, () => client.request({ method: 'ping' }, z.unknown(), options));
      return false;
    } catch (error) {
      hangUp();
      return refusesPing(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Runs inside the exchange, since the SDK sends `notifications/cancelled` from its listener and a listener
   * runs in the context of whoever aborts.
   */
  function cancelWith(watch: Watch, exchange: RpcExchange) {
    const cancelled = new AbortController();
    let told: Promise<void> = Promise.resolve();
    const cancel = () => exchanges.run(exchange, () => cancelled.abort(watch.signal.reason));
    const onEnd = () => {
      if (exchange.sent) told = toldOfCancellation(exchange);
      // From here on, what is not sent stays unsent.
      else exchange.hangUp.abort();
      cancel();
    };
    watch.signal.addEventListener('abort', onEnd, { once: true });
    return {
      signal: cancelled.signal,
      cancel,
      get told() {
        return told;
      },
      release: () => watch.signal.removeEventListener('abort', onEnd),
    };
  }

  async function close(endSession: boolean): Promise<void> {
    closed = true;
    await client.close();
    if (!endSession || !(await isGoodForFarewell(accepted))) return;
    const farewell = createRpcExchange({ token: accepted, maxAnswerBytes: 0, answerTimeoutMs: 0 });
    // A courtesy: servers may refuse it, or be gone.
    await exchanges.run(farewell, () => transport.terminateSession()).catch(() => {});
  }

  // The session may have been idle for long: its token may have been renewed, revoked or refused since.
  async function isGoodForFarewell(token: RequestToken): Promise<boolean> {
    if (token.bearerToken === undefined) return true;
    if (token.bearerToken === refusedToken || isDue(token)) return false;
    return (await token.tokenIsCurrent?.()) ?? true;
  }

  return {
    acceptedToken: () => accepted.bearerToken,
    announcesTools: () => client.getServerCapabilities()?.tools !== undefined,
    announcesTasks: () => client.getServerCapabilities()?.tasks?.requests?.tools?.call !== undefined,
    // Revisions are dates.
    knowsTasks: () => (transport.protocolVersion ?? '') >= '2025-11-25',
    listedTools: new Map(),
    request,
    close,
  };
}

/** What a session keeps of a token for its farewell, which is worth no new one. */
function withoutFresh({ bearerToken, tokenIsDue, tokenIsCurrent }: RequestToken): RequestToken {
  return {
    ...(bearerToken !== undefined && { bearerToken }),
    ...(tokenIsDue !== undefined && { tokenIsDue }),
    ...(tokenIsCurrent !== undefined && { tokenIsCurrent }),
  };
}

/** What servers answer in a session that they don't know, beside the 404 of the specification. */
function doubtsSession(error: unknown): error is HttpRefusal {
  if (!(error instanceof HttpRefusal)) return false;
  const { status, sessionNamed } = error.facts;
  return sessionNamed && (status === 400 || status === 410);
}

// A server that knows no `ping` has understood it.
function refusesPing(error: unknown): boolean {
  if (!(error instanceof HttpRefusal)) return false;
  const { status, error: rpcError } = error.facts;
  return (status === 400 || status === 404 || status === 410) && rpcError?.code !== METHOD_NOT_FOUND;
}

function abandoned({ sent }: RpcExchange, watch: Watch): Verdict {
  // A connection that was closed under a request was closed by us.
  const cause = watch.signal.aborted ? watch.cause() : 'cancelled';
  return { kind: 'unanswered', cause, sent };
}

function toldOfCancellation(exchange: RpcExchange): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CANCELLATION_GRACE_MS);
    exchange.onCancellationTold = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
