import type { AuthorizationServerSettings } from './authorization-server-configuration.ts';
import type { AuthorizationServerStore } from './authorization-server-store.ts';
import type { TokenEndpointAction, TokenRequestDescription } from './authorization-server-token-endpoint.ts';
import type { LoopbackHttpServer } from './loopback-http-server.ts';
import type { Interception, RequestInterceptions } from './request-interceptions.ts';

/** What a test can change or break while the authorization server runs. */
export interface AuthorizationServerControl {
  /** Applies to access tokens issued from now on. Whole seconds, at least 1. */
  setAccessTokenTtl(seconds: number): void;
  /** With false, a refresh neither replaces nor spends the refresh token. */
  setRefreshTokenRotation(rotate: boolean): void;
  /** With false, tokens are issued without a refresh token. */
  setRefreshTokens(issue: boolean): void;
  /** With true, every authorization request ends with `access_denied`. */
  setDenyConsent(deny: boolean): void;
  /** Withdraws the account's consent, or everyone's without an account. All its tokens are revoked. */
  revokeGrants(accountId?: string): void;
  /** Expires the account's access tokens, or everyone's without an account. Refresh tokens stay valid. */
  expireAccessTokens(accountId?: string): void;
  /** Intercepts the next matching token requests. */
  interceptTokenRequests(action: TokenEndpointAction, options?: TokenInterceptionOptions): Interception;
  /** Refuses connections until `goOnline`. All state is kept. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
}

export interface TokenInterceptionOptions {
  /** Default `refresh_token`. `any` matches every token request. */
  grantType?: string;
  /** Default: any account. */
  accountId?: string;
  /** The number of requests to take. Default 1. With `Infinity`, all requests until the release. */
  times?: number;
}

export type TokenInterceptions = RequestInterceptions<TokenRequestDescription, TokenEndpointAction>;

export function createControl(
  settings: AuthorizationServerSettings,
  { revokeGrants, expireAccessTokens }: AuthorizationServerStore,
  interceptions: TokenInterceptions,
  server: LoopbackHttpServer,
): AuthorizationServerControl {
  return {
    setAccessTokenTtl(seconds) {
      settings.accessTokenTtl = seconds;
    },
    setRefreshTokenRotation(rotate) {
      settings.rotateRefreshTokens = rotate;
    },
    setRefreshTokens(issue) {
      settings.issueRefreshTokens = issue;
    },
    setDenyConsent(deny) {
      settings.denyConsent = deny;
    },
    revokeGrants,
    expireAccessTokens,
    interceptTokenRequests(action, { grantType = 'refresh_token', accountId, times = 1 } = {}) {
      const matches = (request: TokenRequestDescription) =>
        (grantType === 'any' || request.grantType === grantType) &&
        (accountId === undefined || request.accountId === accountId);
      return interceptions.add(matches, action, times);
    },
    goOffline: server.close,
    goOnline: server.open,
  };
}
