import { setTimeout as wait } from 'node:timers/promises';
import { startDeadline } from '../net/deadline.ts';
import { type GuardedFetch, type GuardedRequestInit, NetworkError } from '../net/network.ts';
import { readAnswer } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import { HttpRefusal } from './classify-failure.ts';
import { drain } from './drain.ts';
import { answerForSdk } from './rpc-answer.ts';
import type { RpcExchange } from './rpc-exchange.ts';
import { isRequest, type OutgoingMessage, type RpcId, readServerMessage } from './rpc-message.ts';

export interface RpcFetchDeps {
  guardedFetch: GuardedFetch;
  /** The exchange on whose behalf a request is being made. */
  current: () => RpcExchange | undefined;
  /** Sent with every request; see `registeredHeaders`. */
  headers: Headers;
  /** Takes what the server says before it answers. */
  deliver: (message: unknown) => void;
}

type FetchInit = { method?: string; headers?: unknown; body?: unknown };
type RpcFetch = (url: string | URL, init?: FetchInit) => Promise<Response>;

/** Milliseconds for what has no answer: notifications, and answers to the server. */
const SIDE_REQUEST_MS = 5_000;
/** Milliseconds for ending a session. */
const FAREWELL_MS = 2_000;
/** Bytes that progress and keep-alives may add to an answer in an event stream. */
const STREAM_ALLOWANCE = 64 * 1024 * 1024;

/**
 * The `fetch` for the SDK's Streamable HTTP transport. It gives every request the token of its exchange, and
 * hands the transport a 2xx with an answer that it can take or throws what went wrong, with the facts to judge it by.
 * A redirect is thrown like any refusal, so that the transport, which would follow one within the origin,
 * never sees it.
 */
export function createRpcFetch(deps: RpcFetchDeps): RpcFetch {
  return async (url, init = {}) => {
    // The transport asks for a standalone stream after initializing. Nothing here listens to one, and a 405
    // tells it that there is none. It opens no other GET: resuming is done below.
    if (init.method === 'GET') return new Response(null, { status: 405 });
    const exchange = deps.current();
    if (exchange === undefined) throw new Error('a request to an MCP server outside of any exchange');
    const message = outgoingMessage(init.body);
    const request = { url, init: guardedInit(init, deps, exchange) };
    if (isRequest(message)) return sendRequest(request, message, exchange, deps);
    if (message.method === 'notifications/cancelled') return sendCancellation(request, exchange, deps);
    return sendAside(request, deps);
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

interface HttpRequest {
  url: string | URL;
  init: GuardedRequestInit & { headers: Headers };
}

async function sendRequest(
  request: HttpRequest,
  { method, id }: { method: string; id: RpcId },
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<Response> {
  const waiting = {
    signal: exchange.hangUp.signal,
    headersTimeoutMs: exchange.answerTimeoutMs,
    bodyTimeoutMs: 0,
    maxBodyBytes: exchange.maxAnswerBytes + STREAM_ALLOWANCE,
  };
  const beforeFirstByte = (): void => {
    if (exchange.hangUp.signal.aborted) throw new Error('nobody waits for the answer any more');
    exchange.sent = true;
  };
  const response = await deps.guardedFetch(request.url, { ...request.init, ...waiting, beforeFirstByte });
  refuse(response, request);
  const source: AnswerSource = {
    requestId: id,
    maxBytes: exchange.maxAnswerBytes,
    deliver: (message) => {
      const read = readServerMessage(message);
      if (read !== undefined) deps.deliver(read);
    },
    resume: (lastEventId) =>
      deps.guardedFetch(request.url, { ...resumption(request, lastEventId), ...waiting }),
    pause: (ms) => pause(ms, exchange.hangUp.signal),
  };
  const answer = await readAnswer(response, source);
  exchange.answered = true;
  // Of `initialize` the SDK needs the result itself.
  if (method !== 'initialize') exchange.answer = answer;
  const text = JSON.stringify(answerForSdk(method, id, answer));
  return new Response(text, { headers: answerHeaders(response) });
}

async function sendCancellation(
  request: HttpRequest,
  exchange: RpcExchange,
  deps: RpcFetchDeps,
): Promise<Response> {
  try {
    // Of a request that was never sent the server cannot know; one that is over there is nothing to cancel.
    if (exchange.hangUp.signal.aborted) return new Response(null, { status: 202 });
    return await sendAside(request, deps);
  } finally {
    exchange.onCancellationTold?.();
  }
}

/** Not bound to the exchange's end: it is often the last that is heard of it. */
async function sendAside(request: HttpRequest, { guardedFetch }: RpcFetchDeps): Promise<Response> {
  const ms = request.init.method === 'DELETE' ? FAREWELL_MS : SIDE_REQUEST_MS;
  const response = await guardedFetch(request.url, { ...request.init, signal: startDeadline(ms).signal });
  refuse(response, request);
  drain(response.body?.getReader());
  return new Response(null, { status: response.status, headers: sessionHeader(response) });
}

function outgoingMessage(body: unknown): OutgoingMessage {
  // The SDK writes one JSON-RPC message a body; a DELETE has none.
  return typeof body === 'string' ? (JSON.parse(body) as OutgoingMessage) : {};
}

function guardedInit(init: FetchInit, deps: RpcFetchDeps, exchange: RpcExchange): HttpRequest['init'] {
  const headers = new Headers(deps.headers);
  if (init.headers instanceof Headers) {
    for (const [name, value] of init.headers) headers.set(name, value);
  }
  if (exchange.bearerToken !== undefined) headers.set('authorization', `Bearer ${exchange.bearerToken}`);
  return {
    headers,
    addressFrom: 'admin',
    ...(init.method !== undefined && { method: init.method }),
    ...(typeof init.body === 'string' && { body: init.body }),
  };
}

function resumption({ init }: HttpRequest, lastEventId: string): GuardedRequestInit {
  const headers = new Headers(init.headers);
  headers.delete('content-type');
  headers.set('accept', 'text/event-stream');
  headers.set('last-event-id', lastEventId);
  return { method: 'GET', headers, addressFrom: 'admin' };
}

function refuse(response: Response, { init }: HttpRequest): void {
  if (response.ok) return;
  drain(response.body?.getReader());
  throw new HttpRefusal({
    status: response.status,
    wwwAuthenticate: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    date: response.headers.get('date'),
    sessionNamed: init.headers.has('mcp-session-id'),
  });
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
