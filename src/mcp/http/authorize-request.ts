/**
 * Gives each request to an MCP server its token, and checks the token right before the first byte, because opening a
 * connection may outlast it. No other file sets `Authorization`, so no due token is ever sent.
 */
import type { GuardedRequestInit } from '../../net/network.ts';
import { isDue, mayBegin, type RequestToken, tokenForSideRequest, tokenIsDue } from './request-token.ts';
import type { RpcExchange } from './rpc-exchange.ts';

/** What the SDK's transport asks `fetch` for. */
export type FetchInit = { method?: string; headers?: unknown; body?: unknown; signal?: AbortSignal | null };

export type AuthorizedRequest = GuardedRequestInit & { headers: Headers; beforeFirstByte: () => void };

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

/** A request with the exchange's own token, which must be fit to begin a call with. */
export function requestWithOwnToken(
  init: FetchInit,
  exchange: RpcExchange,
  registered: Headers,
): AuthorizedRequest {
  const beforeFirstByte = () => {
    exchange.tokenWasDue = !mayBegin(exchange.token);
    if (exchange.tokenWasDue) throw tokenIsDue();
  };
  return { ...requestInit(init, registered, exchange.token), beforeFirstByte };
}

/**
 * A side request: one that is sent because of another request, with a token that is not due.
 *
 * @throws NetworkError `vetoed` if there is no such token
 */
export async function sideRequest(
  init: FetchInit,
  exchange: RpcExchange,
  registered: Headers,
): Promise<AuthorizedRequest> {
  const token = await tokenForSideRequest(exchange.token);
  if (token === undefined) throw tokenIsDue();
  const beforeFirstByte = () => {
    if (isDue(token)) throw tokenIsDue();
  };
  return { ...requestInit(init, registered, token), beforeFirstByte };
}

function requestInit(
  init: FetchInit,
  registered: Headers,
  { bearerToken }: RequestToken,
): GuardedRequestInit & { headers: Headers } {
  const headers = new Headers(registered);
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
