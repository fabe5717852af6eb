import * as client from 'openid-client';
import type { Logger } from '../../logging/logger.ts';
import type { GuardedFetch } from '../../net/network.ts';
import type { WebUser } from '../session-store.ts';
import { readClaims, userOfClaims } from './claims.ts';
import { causeOf, isOutage } from './failures.ts';
import { createProviderLookup, type OidcClient } from './provider.ts';
import {
  type PendingSignIn,
  type SignInStoreDependencies,
  storeSignIn,
  takeSignIn,
} from './sign-in-store.ts';

export type BeginOutcome = { kind: 'redirect'; url: string } | { kind: 'unavailable' };

export type FinishOutcome =
  | { kind: 'signed-in'; user: WebUser; returnTo: string }
  /** The state is forged, used or older than 10 minutes, or another browser began this. */
  | { kind: 'unknown' }
  /** The user, or the provider for them, said no. */
  | { kind: 'denied' }
  /** The response is not from this provider, does not match this request, or names no user. The log says why. */
  | { kind: 'refused' }
  | { kind: 'unavailable' };

/** Sign-in by OpenID Connect: the authorization code flow with PKCE, state and nonce. */
export interface OidcSignIn {
  /** @param returnTo a path below PUBLIC_URL */
  begin(browserHash: string, returnTo: string): Promise<BeginOutcome>;
  /** @param query of the request to the redirect URI */
  finish(browserHash: string | undefined, query: URLSearchParams): Promise<FinishOutcome>;
}

export interface OidcDependencies extends SignInStoreDependencies {
  guardedFetch: GuardedFetch;
  logger: Logger;
}

export interface OidcSettings extends OidcClient {
  /** Without a trailing slash. */
  publicUrl: string;
}

/** @see https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth */
export function createOidcSignIn(deps: OidcDependencies, settings: OidcSettings): OidcSignIn {
  const lookUpProvider = createProviderLookup(deps.guardedFetch, settings);
  const findProvider = async () => {
    try {
      return await lookUpProvider();
    } catch (error) {
      deps.logger.warn({ cause: causeOf(error) }, 'the OpenID provider is unavailable');
      return undefined;
    }
  };
  return {
    async begin(browserHash, returnTo) {
      const provider = await findProvider();
      if (provider === undefined) return { kind: 'unavailable' };
      return { kind: 'redirect', url: await authorize(deps, settings, provider, { browserHash, returnTo }) };
    },
    async finish(browserHash, query) {
      const state = query.get('state');
      if (state === null || browserHash === undefined) return { kind: 'unknown' };
      const pending = await takeSignIn(deps, state, browserHash);
      if (pending === undefined) return { kind: 'unknown' };
      const provider = await findProvider();
      if (provider === undefined) return { kind: 'unavailable' };
      try {
        return await exchange(settings, provider, { query, state, pending });
      } catch (error) {
        return outcomeOfError(error, deps.logger);
      }
    },
  };
}

async function authorize(
  deps: SignInStoreDependencies,
  { publicUrl, scopes }: OidcSettings,
  provider: client.Configuration,
  { browserHash, returnTo }: { browserHash: string; returnTo: string },
): Promise<string> {
  const codeVerifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  await storeSignIn(deps, { state, browserHash, nonce, codeVerifier, returnTo });
  const url = client.buildAuthorizationUrl(provider, {
    redirect_uri: redirectUri(publicUrl),
    scope: scopes,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  });
  return url.href;
}

async function exchange(
  settings: OidcSettings,
  provider: client.Configuration,
  { query, state, pending }: { query: URLSearchParams; state: string; pending: PendingSignIn },
): Promise<FinishOutcome> {
  const callback = new URL(redirectUri(settings.publicUrl));
  callback.search = query.toString();
  const tokens = await client.authorizationCodeGrant(provider, callback, {
    expectedState: state,
    expectedNonce: pending.nonce,
    pkceCodeVerifier: pending.codeVerifier,
    idTokenExpected: true,
  });
  const user = userOfClaims(await readClaims(provider, tokens, settings), settings);
  if (user === undefined) throw new Error(`the claim ${settings.userClaim} holds no user id`);
  return { kind: 'signed-in', user, returnTo: pending.returnTo };
}

function outcomeOfError(error: unknown, logger: Logger): FinishOutcome {
  const cause = causeOf(error);
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied') {
    return { kind: 'denied' };
  }
  if (isOutage(error)) {
    logger.warn({ cause }, 'the OpenID provider is unavailable');
    return { kind: 'unavailable' };
  }
  logger.warn({ cause }, 'a sign-in was refused');
  return { kind: 'refused' };
}

function redirectUri(publicUrl: string): string {
  return `${publicUrl}/sign-in/callback`;
}
