import * as oauth from 'oauth4webapi';
import { type AddressSource, type GuardedFetch, NetworkError } from '../net/network.ts';
import { type ClientCredentials, clientAuthentication } from './client-authentication.ts';

export interface RevocationRequest extends ClientCredentials {
  revocationEndpoint: string;
  addressFrom: AddressSource;
  refreshToken: string;
}

/** `failed` is worth another try; `refused` is not. RFC 7009 §2.2: an invalid token counts as revoked. */
export type RevocationOutcome = 'revoked' | 'refused' | 'failed';

const LIMITS = { headersTimeoutMs: 15_000, bodyTimeoutMs: 15_000, maxBodyBytes: 64 * 1024 };

/** Revokes a refresh token and with it, at most servers, the whole grant. @see RFC 7009 §2.1 */
export async function revokeToken(
  guardedFetch: GuardedFetch,
  request: RevocationRequest,
): Promise<RevocationOutcome> {
  const { revocationEndpoint, addressFrom, refreshToken } = request;
  try {
    const response = await oauth.revocationRequest(
      { issuer: revocationEndpoint, revocation_endpoint: revocationEndpoint },
      { client_id: request.clientId ?? 'none' },
      clientAuthentication(request),
      refreshToken,
      {
        additionalParameters: { token_type_hint: 'refresh_token' },
        // The guarded fetch judges schemes: http exists in development only.
        [oauth.allowInsecureRequests]: true,
        [oauth.customFetch]: (url, { method, headers, body }) =>
          guardedFetch(url, { method, headers, body, addressFrom, ...LIMITS }),
      },
    );
    await response.body?.cancel();
    if (response.ok) return 'revoked';
    return response.status === 429 || response.status >= 500 ? 'failed' : 'refused';
  } catch (error) {
    if (error instanceof NetworkError) return 'failed';
    throw error;
  }
}
