import * as oauth from 'oauth4webapi';
import { raceAbort, withDeadline } from '../async/deadline.ts';
import { type AddressSource, type GuardedFetch, NetworkError } from '../net/network.ts';
import { type ClientCredentials, clientAuthentication, otherAuthMethods } from './client-authentication.ts';
import { refusalOf } from './refusal.ts';

export interface RevocationRequest extends ClientCredentials {
  revocationEndpoint: string;
  addressFrom: AddressSource;
  refreshToken: string;
  /** The method of client authentication is not stated: if this one is refused, the other one is tried once. */
  isMethodAssumed?: boolean;
}

/** `failed` is worth another try, `refused` is not. An invalid token counts as revoked (RFC 7009 §2.2). */
export type RevocationOutcome = 'revoked' | 'refused' | 'failed';

/** Of all requests together: an answer that drips in would otherwise hold an activity's slot for days. */
const TIMEOUT_MS = 15_000;
const LIMITS = { headersTimeoutMs: 15_000, bodyTimeoutMs: 15_000, maxBodyBytes: 64 * 1024 };

/**
 * Revokes a refresh token. Most servers revoke the whole grant with it.
 *
 * @param timeoutMs limits all requests together, including their answers
 * @see https://www.rfc-editor.org/rfc/rfc7009#section-2.1
 */
export async function revokeToken(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
  timeoutMs = TIMEOUT_MS,
): Promise<RevocationOutcome> {
  return withDeadline({ ms: timeoutMs }, async (signal) => {
    try {
      return await raceAbort(
        signal,
        tryMethods((url, init) => guardedFetch(url, { ...init, signal }), request),
      );
    } catch (error) {
      if (signal.aborted || error instanceof NetworkError) return 'failed';
      throw error;
    }
  });
}

async function tryMethods(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
): Promise<RevocationOutcome> {
  for (const form of formsOf(request)) {
    const outcome = await requestRevocation(guardedFetch, form);
    if (outcome !== 'client-refused') return outcome;
  }
  return 'refused';
}

/** The request with each method that the client may authenticate with, the likeliest first. */
function formsOf(request: RevocationRequest): RevocationRequest[] {
  const { isMethodAssumed, clientSecret, tokenEndpointAuthMethod = 'client_secret_basic' } = request;
  if (!isMethodAssumed || clientSecret === undefined) return [request];
  const others = otherAuthMethods(tokenEndpointAuthMethod);
  return [request, ...others.map((method) => ({ ...request, tokenEndpointAuthMethod: method }))];
}

async function requestRevocation(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
): Promise<RevocationOutcome | 'client-refused'> {
  const { revocationEndpoint, addressFrom, refreshToken } = request;
  const response = await oauth.revocationRequest(
    { issuer: revocationEndpoint, revocation_endpoint: revocationEndpoint },
    { client_id: request.clientId ?? 'none' },
    clientAuthentication(request),
    refreshToken,
    {
      additionalParameters: { token_type_hint: 'refresh_token' },
      // The guarded fetch decides about schemes: http is allowed in development only.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, { method, headers, body }) =>
        guardedFetch(url, { method, headers, body, addressFrom, ...LIMITS }),
    },
  );
  if (await refusesClient(response)) return 'client-refused';
  if (response.ok) return 'revoked';
  return response.status === 429 || response.status >= 500 ? 'failed' : 'refused';
}

const CLIENT_REFUSED = ['invalid_client', 'unauthorized_client', 'invalid_request'];

// RFC 7009 §2.2.1: the codes are those of RFC 6749 §5.2. A server that reads the client from the body alone says
// `invalid_request`.
async function refusesClient(response: Response): Promise<boolean> {
  if (response.ok || response.status >= 500) {
    await response.body?.cancel();
    return false;
  }
  const json: unknown = await response.json().catch(() => undefined);
  if (json === undefined) return response.status === 401;
  return refusalOf(response.status, json)?.codes.some((word) => CLIENT_REFUSED.includes(word)) ?? false;
}
