import type { IssuedSecret } from './authorization-server-store.ts';
import type { TokenRequest } from './authorization-server-token-endpoint.ts';
import { matchesFilter } from './request-interceptions.ts';

export type TokenRequestFilter = Partial<
  Pick<TokenRequest, 'grantType' | 'clientId' | 'accountId' | 'outcome' | 'error'>
>;

export type Endpoint = 'authorization' | 'token' | 'introspection' | 'revocation' | 'registration';

/** Statistics of the authorization server since it started. */
export interface AuthorizationServerStats {
  /** Counts the processed token requests of one grant type, such as `refresh_token`. Intercepted ones don't count. */
  tokenGrants(
    grantType: string,
    filter?: Pick<TokenRequestFilter, 'clientId' | 'accountId'>,
  ): { succeeded: number; failed: number };
  /** Oldest first. A request appears when it has been processed, before the response is sent. */
  tokenRequests(filter?: TokenRequestFilter): readonly TokenRequest[];
  /** Counts all HTTP requests to an endpoint. */
  requests(endpoint: Endpoint): number;
  /** All issued tokens and codes, including spent ones, and all PKCE verifiers. Oldest first. */
  secrets(): readonly IssuedSecret[];
}

export function createStats(
  tokenRequests: readonly TokenRequest[],
  requestsByPath: ReadonlyMap<string, number>,
  secrets: readonly IssuedSecret[],
  pathOf: (endpoint: Endpoint) => string,
): AuthorizationServerStats {
  const select = (filter: TokenRequestFilter) =>
    tokenRequests.filter((request) => matchesFilter(request, filter));
  return {
    tokenGrants(grantType, filter = {}) {
      const count = (outcome: TokenRequest['outcome']) => select({ ...filter, grantType, outcome }).length;
      return { succeeded: count('succeeded'), failed: count('failed') };
    },
    tokenRequests: (filter = {}) => select(filter),
    requests: (endpoint) => requestsByPath.get(pathOf(endpoint)) ?? 0,
    secrets: () => secrets,
  };
}
