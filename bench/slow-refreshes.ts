import type { AuthorizationServer } from '../src/dev/embedded/authorization-server.ts';

/** Long enough for all worker processes to start, and short beside the lease of a refresh. */
const REFRESH_MS = 3_000;

/**
 * Expires the user's access token, and lets each refresh take a while: whoever may send the refresh token, does so in
 * that time. Returns what ends it.
 */
export function slowRefreshes({ control }: AuthorizationServer, accountId: string): { end(): void } {
  control.expireAccessTokens(accountId);
  const interception = control.interceptTokenRequests(
    { do: 'delay', ms: REFRESH_MS },
    { accountId, times: Number.POSITIVE_INFINITY },
  );
  return { end: interception.release };
}
