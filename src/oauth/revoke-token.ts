import * as oauth from 'oauth4webapi';
import { fetchWithin } from '../net/fetch-within.ts';
import type { AddressSource, GuardedFetch } from '../net/network.ts';
import { type AuthenticatedRequest, authenticationForms, mayBlameMethod } from './authentication-forms.ts';
import { clientAuthentication } from './client-authentication.ts';
import { guardedOptions } from './library-options.ts';
import { refusalOf } from './refusal.ts';

export interface RevocationRequest extends AuthenticatedRequest {
  revocationEndpoint: string;
  addressFrom: AddressSource;
  token: string;
  /** RFC 7009 §2.1: helps the server to find the token. */
  tokenType: TokenType;
}

export type TokenType = 'refresh_token' | 'access_token';

/** `failed` is worth another try, `refused` is not. An invalid token counts as revoked (RFC 7009 §2.2). */
export type RevocationOutcome = 'revoked' | 'refused' | 'failed';

/** Of all requests together: an answer that drips in would otherwise hold an activity's slot for days. */
const TIMEOUT_MS = 15_000;
const LIMITS = { headersTimeoutMs: 15_000, bodyTimeoutMs: 15_000, maxBodyBytes: 64 * 1024 };

/**
 * Revokes a token. Most servers revoke the whole grant with a refresh token, and some do with an access token.
 *
 * @param timeoutMs limits all requests together, including their answers
 * @see https://www.rfc-editor.org/rfc/rfc7009#section-2.1
 */
export async function revokeToken(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
  timeoutMs = TIMEOUT_MS,
): Promise<RevocationOutcome> {
  const fetched = await fetchWithin(guardedFetch, timeoutMs, (limited) => tryMethods(limited, request));
  return fetched.kind === 'done' ? fetched.value : 'failed';
}

async function tryMethods(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
): Promise<RevocationOutcome> {
  for (const form of authenticationForms(request)) {
    const outcome = await requestRevocation(guardedFetch, form);
    if (outcome !== 'client-refused') return outcome;
  }
  return 'refused';
}

async function requestRevocation(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
): Promise<RevocationOutcome | 'client-refused'> {
  const { revocationEndpoint, addressFrom, token, tokenType } = request;
  const response = await oauth.revocationRequest(
    { issuer: request.issuer ?? revocationEndpoint, revocation_endpoint: revocationEndpoint },
    { client_id: request.clientId ?? 'none' },
    clientAuthentication(request),
    token,
    {
      additionalParameters: { token_type_hint: tokenType },
      ...guardedOptions(guardedFetch, { addressFrom, ...LIMITS }),
    },
  );
  if (await refusesClient(response)) return 'client-refused';
  if (response.ok) return 'revoked';
  return response.status === 429 || response.status >= 500 ? 'failed' : 'refused';
}

// RFC 7009 §2.2.1: the codes are those of RFC 6749 §5.2.
async function refusesClient(response: Response): Promise<boolean> {
  if (response.ok || response.status >= 500) {
    await response.body?.cancel();
    return false;
  }
  const json: unknown = await response.json().catch(() => undefined);
  if (json === undefined) return response.status === 401;
  return mayBlameMethod(refusalOf(response.status, json)?.codes ?? []);
}
