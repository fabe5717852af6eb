import { setTimeout as wait } from 'node:timers/promises';
import { startDeadline } from '../net/deadline.ts';
import { type GuardedFetch, type GuardedRequestInit, NetworkError } from '../net/network.ts';
import type { JsonLimits } from '../turns/json-limits.ts';
import type { Turns } from '../turns/turns.ts';
import { readAnswer } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import { drain } from './drain.ts';
import { refuse } from './refuse.ts';
import { isDue, mayBegin, type RequestToken, tokenBeside, tokenIsDue } from './request-token.ts';
import { answerForSdk } from './rpc-answer.ts';
import type { RpcExchange } from './rpc-exchange.ts';
import { isRequest, type OutgoingMessage, type RpcId } from './rpc-message.ts';
import { fetchFrom, type ServerAddress } from './server-address.ts';
import type { ServerLimits } from './server-limits.ts';
import { createServerTraffic, type ServerTraffic } from './server-traffic.ts';

export interface RpcFetchDeps {
  guardedFetch: GuardedFetch;
  address: ServerAddress;
  /** The exchange on whose behalf a request is being made. */
  current: () => RpcExchange | undefined;
  /** Sent with every request; see `registeredHeaders`. */
  headers: Headers;
  /** Takes what the server says before it answers. */
  deliver: (message: unknown) => void;
  limits: ServerLimits;
  turns: Turns;
}

/** With what belongs to the session alone. */
type SessionDeps = RpcFetchDeps & { traffic: ServerTraffic };

type FetchInit = { method?: string; headers?: unknown; body?: unknown };
type RpcFetch = (url: string | URL, init?: FetchInit) => Promise<Response>;

const INITIALIZED = 'notifications/initialized';
/** Milliseconds for what has no answer: notifications, and answers to the server. */
const SIDE_REQUEST_MS = 5_000;
/** Milliseconds for ending a session. */
const FAREWELL_MS = 2_000;

/**
 * The `fetch` for the SDK's Streamable HTTP transport. It gives every request the token of its exchange, and
 * hands the transport a 2xx with an answer that it can take or throws what went wrong, with the facts to judge it by.
 * A redirect is thrown like any refusal, so that the transport, which would follow one within the origin,
 * never sees it. Here alone it is decided with which token a request goes out, if at all.
 */
export function createRpcFetch(given: RpcFetchDeps): RpcFetch {
  const deps: SessionDeps = { ...given, traffic: createServerTraffic(given.limits) };
  // The URL is the registered one: the transport knows no other.
  return async (_url, init = {}) => {
    // The transport asks for a standalone stream after initializing. Nothing here listens to one, and a 405
    // tells it that there is none. It opens no other GET: resuming is done below.
    if (init.method === 'GET') return new Response(null, { status: 405 });
    const exchange = deps.current();
    if (exchange === undefined) throw new Error('a request to an MCP server outside of any exchange');
    const message = outgoingMessage(init.body);
    if (isRequest(message)) return sendRequest(init, message, exchange, deps);
    if (message.method === INITIALIZED) return sendInitialized(init, exchange, deps);
    if (message.method === 'notifications/cancelled') return sendCancellation(init, exchange, deps);
    if (message.method === undefined && init.method === 'POST') return sendAnswer(init, exchange, deps);
    return sendBeside(init, exchange, deps);
  };
}

/** @throws Error without the offending value, which may be a secret. */
export function registeredHeaders(headers: Record<string, string>): Headers {
  try {
    const registered = new Headers(headers);
    registered.delete('authorization');
    return registered;
  } catch {
    throw new Error('a registered header is not a valid HTTP header');
  }
}

type RequestInit = GuardedRequestInit & { headers: Headers };

async function sendRequest(
  init: FetchInit,
  { method, id }: { method: string; id: RpcId },
  exchange: RpcExchange,
  deps: SessionDeps,
): Promise<Response> {
  const waiting = {
    signal: exchange.hangUp.signal,
    headersTimeoutMs: exchange.answerTimeoutMs,
    bodyTimeoutMs: 0,
    maxBodyBytes: exchange.maxAnswerBytes + deps.limits.streamAllowanceBytes,
  };
  const beforeFirstByte = (): void => {
    checkOwnToken(exchange);
    if (exchange.hangUp.signal.aborted) throw new Error('nobody waits for the answer any more');
    exchange.sent = true;
  };
  const body = method === 'initialize' ? { body: initializeBody(init, exchange) } : {};
  const request = { ...requestInit(init, deps, exchange.token), ...body, ...waiting, beforeFirstByte };
  // The server that redirects has not acted on it.
  const onRedirect = () => {
    exchange.sent = false;
  };
  const answered = await fetchFrom(deps.address, request, deps.guardedFetch, onRedirect);
  const read = {
    limits: deps.limits,
    json: jsonLimits(method, deps.limits),
    tellsRounding: method === 'tools/call',
    turns: deps.turns,
    ...(exchange.alive !== undefined && { alive: exchange.alive }),
  };
  await refuse(answered, request, { method, id, maxAnswerBytes: exchange.maxAnswerBytes, read });
  const { admit, withheld } = deps.traffic.forRequest();
  const source: AnswerSource = {
    requestId: id,
    maxBytes: exchange.maxAnswerBytes,
    ...read,
    deliver: (message) => {
      const admitted = admit(message);
      if (admitted !== undefined) deps.deliver(admitted);
    },
    resume: (lastEventId) => resume(lastEventId, { init, waiting }, exchange, deps),
    pause: (ms) => pause(ms, exchange.hangUp.signal),
  };
  const answer = await readAnswer(answered.response, source);
  const latest = withheld();
  if (latest !== undefined) deps.deliver(latest);
  exchange.answered = true;
  exchange.answer = answer;
  const text = JSON.stringify(answerForSdk(method, id, answer));
  return new Response(text, { headers: answerHeaders(answered.response) });
}

/** Of a batch, its message and the result, which holds what is handed on. */
const ENVELOPE_NESTING = 3;

// In a list each tool is judged for itself.
function jsonLimits(method: string, limits: ServerLimits): JsonLimits {
  const { nesting, values, members, keyLength, numberLength } = limits;
  const deepest = method === 'tools/list' ? Number.POSITIVE_INFINITY : nesting + ENVELOPE_NESTING;
  return { nesting: deepest, values, members, keyLength, numberLength };
}

async function resume(
  lastEventId: string,
  { init, waiting }: { init: FetchInit; waiting: Omit<GuardedRequestInit, 'addressFrom' | 'headers'> },
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<Response> {
  const request = await requestBeside(init, exchange, deps);
  const { headers, beforeFirstByte } = request;
  headers.delete('content-type');
  headers.set('accept', 'text/event-stream');
  headers.set('last-event-id', lastEventId);
  const resumption: RequestInit = {
    method: 'GET',
    headers,
    addressFrom: 'admin',
    ...waiting,
    beforeFirstByte,
  };
  const { response } = await fetchFrom(deps.address, resumption, deps.guardedFetch, () => {});
  return response;
}

/**
 * Without it the session is not open, so it goes with the token of the opening. Where the opening outlasts even a
 * token that was renewed for it, a fresh one finishes it, or no call would ever get past a slow opening.
 */
async function sendInitialized(
  init: FetchInit,
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<Response> {
  if (exchange.token.tokenJustRenewed && !mayBegin(exchange.token)) {
    exchange.tokenWasDue = true;
    const fresh = await requestBeside(init, exchange, deps);
    exchange.tokenWasDue = false;
    return sendAside(fresh, deps, INITIALIZED);
  }
  const request = requestInit(init, deps, exchange.token);
  request.beforeFirstByte = () => checkOwnToken(exchange);
  return sendAside(request, deps, INITIALIZED);
}

async function sendCancellation(
  init: FetchInit,
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<Response> {
  try {
    // Of a request that was never sent the server cannot know; one that is over there is nothing to cancel.
    if (exchange.hangUp.signal.aborted) return new Response(null, { status: 202 });
    return await sendBeside(init, exchange, deps);
  } finally {
    exchange.onCancellationTold?.();
  }
}

/** To a request of the server's: few at a time, and none once the exchange that it came in has failed. */
async function sendAnswer(init: FetchInit, exchange: RpcExchange, deps: SessionDeps): Promise<Response> {
  return deps.traffic.answer(async () => {
    if (exchange.hangUp.signal.aborted) return new Response(null, { status: 202 });
    return sendBeside(init, exchange, deps);
  });
}

async function sendBeside(init: FetchInit, exchange: RpcExchange, deps: RpcFetchDeps): Promise<Response> {
  return sendAside(await requestBeside(init, exchange, deps), deps);
}

/** Not bound to the exchange's end: it is often the last that is heard of it. */
async function sendAside(
  request: RequestInit,
  { guardedFetch, address }: RpcFetchDeps,
  method?: string,
): Promise<Response> {
  const ms = request.method === 'DELETE' ? FAREWELL_MS : SIDE_REQUEST_MS;
  const init = { ...request, signal: startDeadline(ms).signal };
  const answer = await fetchFrom(address, init, guardedFetch, () => {});
  // Some servers take this notification for a broken request. Whether the session serves, the next request shows.
  const status = method === INITIALIZED && answer.response.status === 400 ? 202 : answer.response.status;
  if (status === answer.response.status) await refuse(answer, request);
  drain(answer.response.body?.getReader());
  return new Response(null, { status, headers: sessionHeader(answer.response) });
}

// Right before the first byte: opening a connection may outlast the token.
function checkOwnToken(exchange: RpcExchange): void {
  exchange.tokenWasDue = !mayBegin(exchange.token);
  if (exchange.tokenWasDue) throw tokenIsDue();
}

/** A request that is sent for the sake of another, with a token that is not due. */
async function requestBeside(
  init: FetchInit,
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<RequestInit & { beforeFirstByte: () => void }> {
  const token = await tokenBeside(exchange.token);
  if (token === undefined) throw tokenIsDue();
  const beforeFirstByte = () => {
    if (isDue(token)) throw tokenIsDue();
  };
  return { ...requestInit(init, deps, token), beforeFirstByte };
}

function outgoingMessage(body: unknown): OutgoingMessage {
  // The SDK writes one JSON-RPC message a body; a DELETE has none.
  return typeof body === 'string' ? (JSON.parse(body) as OutgoingMessage) : {};
}

// The SDK always asks for its latest.
function initializeBody({ body }: FetchInit, { protocolVersion }: RpcExchange): string {
  if (protocolVersion === undefined) return String(body);
  const message = JSON.parse(String(body)) as { params: object };
  return JSON.stringify({ ...message, params: { ...message.params, protocolVersion } });
}

function requestInit(init: FetchInit, deps: RpcFetchDeps, { bearerToken }: RequestToken): RequestInit {
  const headers = new Headers(deps.headers);
  if (init.headers instanceof Headers) {
    for (const [name, value] of init.headers) headers.set(name, value);
  }
  if (bearerToken !== undefined) headers.set('authorization', `Bearer ${bearerToken}`);
  return {
    headers,
    addressFrom: 'admin',
    ...(init.method !== undefined && { method: init.method }),
    ...(typeof init.body === 'string' && { body: init.body }),
  };
}

function answerHeaders(response: Response): Headers {
  const headers = sessionHeader(response);
  headers.set('content-type', 'application/json');
  return headers;
}

function sessionHeader(response: Response): Headers {
  const sessionId = response.headers.get('mcp-session-id');
  return new Headers(sessionId === null ? {} : { 'mcp-session-id': sessionId });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (cause) {
    throw new NetworkError('aborted', true, { cause });
  }
}
