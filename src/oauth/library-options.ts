import * as oauth from 'oauth4webapi';
import type { GuardedFetch, GuardedRequestInit } from '../net/network.ts';

type Sent = Pick<oauth.CustomFetchOptions<string, string | URLSearchParams>, 'method' | 'headers' | 'body'>;

/**
 * Returns options of oauth4webapi with which it sends its request through the guarded fetch.
 *
 * @param init the request's limits, and who named its address
 */
export function guardedOptions(guardedFetch: GuardedFetch, init: Omit<GuardedRequestInit, keyof Sent>) {
  return {
    // The guarded fetch decides about schemes: http is allowed in development only.
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, { method, headers, body }: Sent) =>
      guardedFetch(url, { ...init, method, headers, body }),
  };
}
