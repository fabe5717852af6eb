import type { AuthorizationServer } from '../src/dev/embedded/authorization-server.ts';

/** Long enough for all worker processes to start, and short beside the lease of a refresh. */
const REFRESH_MS = 3_000;

/**
 * Expires the user's access token, and delays the answer to each refresh, so that all workers meet the expired token
 * before the first renewal ends. Returns what ends the delay.
 */
export function slowRefreshes({ control }: AuthorizationServer, accountId: string): { end(): void } {
  control.expireAccessTokens(accountId);
  const interception = control.interceptTokenRequests(
    { do: 'delay', ms: REFRESH_MS },
    { accountId, times: Number.POSITIVE_INFINITY },
  );
  return { end: interception.release };
}
