import type { IssuedSecret } from './authorization-server-store.ts';
import type { TokenRequest } from './authorization-server-token-endpoint.ts';
import { matchesFilter } from './matches-filter.ts';

export type TokenRequestFilter = Partial<
  Pick<TokenRequest, 'grantType' | 'clientId' | 'accountId' | 'outcome' | 'error'>
>;

export type Endpoint = 'authorization' | 'token' | 'introspection' | 'revocation' | 'registration';

/** What the authorization server has seen since it started. */
export interface AuthorizationServerStats {
  /** Processed token requests of one grant type, e.g. `refresh_token`; those answered in its place don't count. */
  tokenGrants(
    grantType: string,
    filter?: Pick<TokenRequestFilter, 'clientId' | 'accountId'>,
  ): { succeeded: number; failed: number };
  /** Oldest first. A request appears once it has been processed, before its answer leaves. */
  tokenRequests(filter?: TokenRequestFilter): readonly TokenRequest[];
  /** HTTP requests that reached an endpoint, whatever came of them. */
  requests(endpoint: Endpoint): number;
  /** Every token and code that was ever issued, spent ones too, and every PKCE verifier; oldest first. */
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
