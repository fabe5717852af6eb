import { startDeadline } from '../../async/deadline.ts';
import type { GuardedFetch } from '../../net/network.ts';
import {
  type AuthorizedRequest,
  type FetchInit,
  requestWithOwnToken,
  sideRequest,
} from './authorize-request.ts';
import { discardBody } from './discard-body.ts';
import { mayBegin } from './request-token.ts';
import type { RpcExchange } from './rpc-exchange.ts';
import { fetchFrom, type ServerAddress } from './server-address.ts';
import type { ServerTraffic } from './server-traffic.ts';
import { throwIfRefused } from './throw-if-refused.ts';

export interface SideRequestDeps {
  guardedFetch: GuardedFetch;
  address: ServerAddress;
  /** Sent with every request; see `registeredHeaders`. */
  headers: Headers;
}

export const INITIALIZED = 'notifications/initialized';

/** For a request without an answer: a notification, or an answer to the server. */
const NOTIFICATION_TIMEOUT_MS = 5_000;
const SESSION_DELETE_TIMEOUT_MS = 2_000;

/**
 * Completes the opening of a session, with the token of the opening. An opening may outlast even a token that was
 * renewed for it. A fresh token then completes it, or a server that is slow to open could never be called.
 */
export async function sendInitialized(
  init: FetchInit,
  exchange: RpcExchange,
  deps: SideRequestDeps,
): Promise<Response> {
  if (exchange.token.tokenJustRenewed && !mayBegin(exchange.token)) {
    exchange.tokenWasDue = true;
    const fresh = await sideRequest(init, exchange, deps.headers);
    exchange.tokenWasDue = false;
    return sendOutlivingExchange(fresh, deps, INITIALIZED);
  }
  return sendOutlivingExchange(requestWithOwnToken(init, exchange, deps.headers), deps, INITIALIZED);
}

export async function sendCancellation(
  init: FetchInit,
  exchange: RpcExchange,
  deps: SideRequestDeps,
): Promise<Response> {
  try {
    // The server does not know a request that was never sent, and one that is over can't be cancelled.
    if (exchange.hangUp.signal.aborted) return new Response(null, { status: 202 });
    return await sendSideRequest(init, exchange, deps);
  } finally {
    exchange.onCancellationSent?.();
  }
}

/** Answers a request of the server's: few at a time, and none once the exchange that it came in has failed. */
export async function sendAnswer(
  init: FetchInit,
  exchange: RpcExchange,
  deps: SideRequestDeps & { traffic: ServerTraffic },
): Promise<Response> {
  return deps.traffic.answer(async () => {
    if (exchange.hangUp.signal.aborted) return new Response(null, { status: 202 });
    return sendSideRequest(init, exchange, deps);
  });
}

export async function sendSideRequest(
  init: FetchInit,
  exchange: RpcExchange,
  deps: SideRequestDeps,
): Promise<Response> {
  return sendOutlivingExchange(await sideRequest(init, exchange, deps.headers), deps);
}

/** Sends a request that does not end with its exchange, because it is often the last one of the exchange. */
async function sendOutlivingExchange(
  request: AuthorizedRequest,
  { guardedFetch, address }: SideRequestDeps,
  method?: string,
): Promise<Response> {
  const ms = request.method === 'DELETE' ? SESSION_DELETE_TIMEOUT_MS : NOTIFICATION_TIMEOUT_MS;
  const init = { ...request, signal: startDeadline(ms).signal };
  const answer = await fetchFrom(address, init, guardedFetch, () => {});
  // Some servers take this notification for a malformed request. The next request shows whether the session works.
  const status = method === INITIALIZED && answer.response.status === 400 ? 202 : answer.response.status;
  if (status === answer.response.status) await throwIfRefused(answer, request);
  discardBody(answer.response.body?.getReader());
  return new Response(null, { status, headers: sessionHeader(answer.response) });
}

export function sessionHeader(response: Response): Headers {
  const sessionId = response.headers.get('mcp-session-id');
  return new Headers(sessionId === null ? {} : { 'mcp-session-id': sessionId });
}
