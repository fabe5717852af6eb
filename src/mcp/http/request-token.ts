import { NetworkError } from '../../net/network.ts';
import type { McpTarget } from '../port.ts';

/** The token of a request, and what is known of its time. */
export type RequestToken = Pick<
  McpTarget,
  'bearerToken' | 'tokenIsDue' | 'tokenJustRenewed' | 'tokenIsExpired' | 'tokenIsCurrent' | 'freshToken'
>;

export function isDue(token: RequestToken): boolean {
  return token.tokenIsDue?.() ?? false;
}

/** Whether a call or a list, and the opening of its session, may be made with it. */
export function mayBegin(token: RequestToken): boolean {
  if (token.tokenJustRenewed === true) return !(token.tokenIsExpired?.() ?? false);
  return !isDue(token);
}

/**
 * The token for what is sent beside a call: its own as long as it is not due, else a fresh one, else none. An
 * authorization server may take a token that is used after its time for stolen, and delete the grant.
 */
export async function tokenBeside<T extends RequestToken>(own: T): Promise<T | undefined> {
  if (!isDue(own)) return { ...own, tokenJustRenewed: false };
  const fresh = await own.freshToken?.();
  return fresh === undefined || fresh.tokenIsDue()
    ? undefined
    : { ...own, ...fresh, tokenJustRenewed: false };
}

/** What a request that must not be sent with its token fails with. */
export function tokenIsDue(): NetworkError {
  return new NetworkError('vetoed', false, { cause: new Error('the access token is due') });
}
