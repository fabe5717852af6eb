/**
 * The `fetch` for the SDK's Streamable HTTP transport. Every request to an MCP server goes out here or in
 * `side-requests.ts`, with a token from `authorize-request.ts`.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type GuardedRequestInit, NetworkError } from '../../net/network.ts';
import type { JsonLimits } from '../../turns/json-limits.ts';
import type { Turns } from '../../turns/turns.ts';
import type { ServerLimits } from '../server-limits.ts';
import { readAnswer } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import {
  type AuthorizedRequest,
  type FetchInit,
  requestWithOwnToken,
  sideRequest,
} from './authorize-request.ts';
import { readResponse } from './read-response.ts';
import type { ReadingRules } from './refusal-error.ts';
import { answerForSdk, type RpcAnswer } from './rpc-answer.ts';
import type { RpcExchange } from './rpc-exchange.ts';
import { isRequest, type OutgoingMessage, type RpcId } from './rpc-message.ts';
import { fetchFrom } from './server-address.ts';
import { createServerTraffic, type ServerTraffic } from './server-traffic.ts';
import {
  INITIALIZED,
  type SideRequestDeps,
  sendAnswer,
  sendCancellation,
  sendInitialized,
  sendSideRequest,
  sessionHeader,
} from './side-requests.ts';
import { throwIfRefused } from './throw-if-refused.ts';

export interface RpcFetchDeps extends SideRequestDeps {
  /** The exchange that the current request belongs to. */
  current: () => RpcExchange | undefined;
  /** Receives what the server sends before it answers. */
  deliver: (message: unknown) => void;
  limits: ServerLimits;
  turns: Turns;
  /**
   * The methods of the server's requests that have a handler. Only their parameters have an effect. If there are any,
   * the standalone stream is open as well, because servers send such requests there.
   */
  handledMethods: readonly string[];
}

/** Includes what belongs to the session alone. */
type SessionDeps = RpcFetchDeps & { traffic: ServerTraffic };

type RpcFetch = (url: string | URL, init?: FetchInit) => Promise<Response>;

/** How long the server may take to answer a request. */
type AnswerLimits = Pick<
  GuardedRequestInit,
  'signal' | 'headersTimeoutMs' | 'bodyTimeoutMs' | 'maxBodyBytes'
>;

/**
 * Hands the SDK's transport a 2xx with an answer that it can read, or throws what went wrong, with the facts to
 * classify it by. A redirect is thrown like any refusal: the transport would follow one within the origin.
 */
export function createRpcFetch(given: RpcFetchDeps): RpcFetch {
  const deps: SessionDeps = { ...given, traffic: createServerTraffic(given) };
  // The URL is the registered one: the transport knows no other.
  return async (_url, init = {}) => {
    const exchange = deps.current();
    if (exchange === undefined) throw new Error('a request to an MCP server outside of any exchange');
    // The transport opens no other GET: streams are resumed below.
    if (init.method === 'GET') return standaloneStream(init, exchange, deps);
    const message = outgoingMessage(init.body);
    if (isRequest(message)) return sendRequest(init, message, exchange, deps);
    if (message.method === INITIALIZED) return sendInitialized(init, exchange, deps);
    if (message.method === 'notifications/cancelled') return sendCancellation(init, exchange, deps);
    if (message.method === undefined && init.method === 'POST') return sendAnswer(init, exchange, deps);
    return sendSideRequest(init, exchange, deps);
  };
}

async function sendRequest(
  init: FetchInit,
  { method, id }: { method: string; id: RpcId },
  exchange: RpcExchange,
  deps: SessionDeps,
): Promise<Response> {
  const answerLimits = limitsOfAnswer(exchange, deps);
  const request = { ...monitoredRequest(init, method, exchange, deps), ...answerLimits };
  // A server that redirects has not acted on the request.
  const onRedirect = () => {
    exchange.sent = false;
  };
  const answered = await fetchFrom(deps.address, request, deps.guardedFetch, onRedirect);
  const read = readingRules(method, exchange, deps);
  await throwIfRefused(answered, request, { method, id, maxAnswerBytes: exchange.maxAnswerBytes, read });
  const answer = await readAdmitted(answered.response, deps, {
    requestId: id,
    maxBytes: exchange.maxAnswerBytes,
    ...read,
    resume: (lastEventId) => resume(lastEventId, { init, answerLimits }, exchange, deps),
    pause: (ms) => pause(ms, exchange.hangUp.signal),
  });
  exchange.answered = true;
  exchange.answer = answer;
  return readResponse(answerForSdk(method, id, answer), answerHeaders(answered.response));
}

/**
 * Opens the stream that the transport asks for after initializing. The SDK reads it, without the limits of other
 * streams. A 405 tells the transport that there is none.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server
 */
async function standaloneStream(
  init: FetchInit,
  exchange: RpcExchange,
  deps: SessionDeps,
): Promise<Response> {
  if (deps.handledMethods.length === 0) return new Response(null, { status: 405 });
  const request = await sideRequest(init, exchange, deps.headers);
  const limits = { bodyTimeoutMs: 0, maxBodyBytes: deps.limits.streamAllowanceBytes };
  const stream = { ...request, ...limits, signal: init.signal ?? null };
  const { response } = await fetchFrom(deps.address, stream, deps.guardedFetch, () => {});
  return response;
}

function readingRules(
  method: string,
  { alive, held }: RpcExchange,
  { limits, turns }: RpcFetchDeps,
): ReadingRules {
  return {
    limits,
    json: jsonLimits(method, limits),
    reportsRounding: method === 'tools/call',
    turns,
    ...(alive !== undefined && { alive }),
    ...(held !== undefined && { held }),
  };
}

function limitsOfAnswer(exchange: RpcExchange, { limits }: RpcFetchDeps): AnswerLimits {
  return {
    signal: exchange.hangUp.signal,
    headersTimeoutMs: exchange.answerTimeoutMs,
    bodyTimeoutMs: 0,
    // Includes what comes before the answer; `readAnswer` limits the answer itself.
    maxBodyBytes: exchange.maxAnswerBytes + limits.streamAllowanceBytes,
  };
}

/** Reads the answer, and delivers the other messages of the server within the session's limits. */
async function readAdmitted(
  response: Response,
  { traffic, deliver }: SessionDeps,
  source: Omit<AnswerSource, 'deliver'>,
): Promise<RpcAnswer> {
  const { admit, withheld } = traffic.forRequest();
  const deliverAdmitted = (message: unknown) => {
    const admitted = admit(message);
    if (admitted !== undefined) deliver(admitted);
  };
  const answer = await readAnswer(response, { ...source, deliver: deliverAdmitted });
  const latest = withheld();
  if (latest !== undefined) deliver(latest);
  return answer;
}

/** A request whose exchange records whether it was sent. */
function monitoredRequest(
  init: FetchInit,
  method: string,
  exchange: RpcExchange,
  { headers }: RpcFetchDeps,
): AuthorizedRequest {
  const request = requestWithOwnToken(init, exchange, headers);
  return {
    ...request,
    ...(method === 'initialize' && { body: initializeBody(init, exchange) }),
    beforeFirstByte: () => {
      request.beforeFirstByte();
      if (exchange.hangUp.signal.aborted) throw new Error('the request was given up');
      exchange.sent = true;
    },
  };
}

/** The message of a batch, the batch itself, and the result, whose content is passed on. */
const ENVELOPE_NESTING = 3;

// In a list each tool is checked by itself.
export function jsonLimits(method: string, limits: ServerLimits): JsonLimits {
  const { nesting, values, members, keyLength, numberLength } = limits;
  const deepest = method === 'tools/list' ? Number.POSITIVE_INFINITY : nesting + ENVELOPE_NESTING;
  return { nesting: deepest, values, members, keyLength, numberLength };
}

async function resume(
  lastEventId: string,
  { init, answerLimits }: { init: FetchInit; answerLimits: AnswerLimits },
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<Response> {
  const { headers, beforeFirstByte } = await sideRequest(init, exchange, deps.headers);
  headers.delete('content-type');
  headers.set('accept', 'text/event-stream');
  headers.set('last-event-id', lastEventId);
  const resumption: AuthorizedRequest = {
    method: 'GET',
    headers,
    addressFrom: 'admin',
    ...answerLimits,
    beforeFirstByte,
  };
  const { response } = await fetchFrom(deps.address, resumption, deps.guardedFetch, () => {});
  return response;
}

function outgoingMessage(body: unknown): OutgoingMessage {
  // The cast: the SDK writes one JSON-RPC message into each body. A DELETE has none.
  return typeof body === 'string' ? (JSON.parse(body) as OutgoingMessage) : {};
}

// The SDK always asks for its latest revision.
function initializeBody({ body }: FetchInit, { protocolVersion }: RpcExchange): string {
  if (protocolVersion === undefined) return String(body);
  const message = JSON.parse(String(body)) as { params: object };
  return JSON.stringify({ ...message, params: { ...message.params, protocolVersion } });
}

function answerHeaders(response: Response): Headers {
  const headers = sessionHeader(response);
  headers.set('content-type', 'application/json');
  return headers;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (cause) {
    throw new NetworkError('aborted', true, { cause });
  }
}
