import { NetworkError } from '../../net/network.ts';
import type { McpTarget } from '../port.ts';

/** The token of a request, and what is known of its lifetime. */
export type RequestToken = Pick<
  McpTarget,
  'bearerToken' | 'tokenIsDue' | 'tokenJustRenewed' | 'tokenIsExpired' | 'tokenIsCurrent' | 'freshToken'
>;

// RFC 9110 §5.5: what a header field can carry. Users deposit any string as a token.
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Whether a header can carry the token. No server can have accepted one that it cannot carry. */
export function isValidBearerToken(bearerToken: string | undefined): boolean {
  return bearerToken === undefined || VISIBLE_ASCII.test(bearerToken);
}

export function isDue(token: RequestToken): boolean {
  return token.tokenIsDue?.() ?? false;
}

/** Whether the token may be used for a call or a list, and to open their session. */
export function mayBegin(token: RequestToken): boolean {
  if (token.tokenJustRenewed === true) return !(token.tokenIsExpired?.() ?? false);
  return !isDue(token);
}

/**
 * Returns the token for a side request: the call's own as long as it is not due, else a fresh one, else none. An
 * authorization server may take the use of an expired token for theft, and delete the grant.
 */
export async function tokenForSideRequest<T extends RequestToken>(own: T): Promise<T | undefined> {
  if (!isDue(own)) return { ...own, tokenJustRenewed: false };
  const fresh = await own.freshToken?.();
  return fresh === undefined || fresh.tokenIsDue()
    ? undefined
    : { ...own, ...fresh, tokenJustRenewed: false };
}

/** The error of a request that must not be sent with its token. */
export function tokenIsDue(): NetworkError {
  return new NetworkError('vetoed', false, { cause: new Error('the access token is due') });
}
