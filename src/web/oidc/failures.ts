import * as client from 'openid-client';
import { NetworkError } from '../../net/network.ts';

const MAX_DEPTH = 5;

/** Whether the provider could not be reached or failed, rather than said no. */
export function isOutage(error: unknown): boolean {
  return chainOf(error).some(
    (one) =>
      one instanceof NetworkError ||
      (one instanceof Response && one.status >= 500) ||
      (one instanceof client.ResponseBodyError && one.status >= 500) ||
      (one instanceof client.ClientError && one.code === 'OAUTH_TIMEOUT'),
  );
}

/**
 * Describes a failure for the log. Leaves out causes and responses: they hold codes, tokens and claims.
 */
export function causeOf(error: unknown): string {
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
    // Anyone can send a browser to the redirect URI with any text, so only a plain code is logged.
    return /^[\w.-]{1,64}$/.test(error.error) ? error.error : 'an error without a code';
  }
  const network = chainOf(error).find((one) => one instanceof NetworkError);
  if (network !== undefined) return network.message;
  return error instanceof Error ? error.message : 'unknown';
}

function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let one = error;
  while (one !== undefined && chain.length < MAX_DEPTH) {
    chain.push(one);
    one = one instanceof Error ? one.cause : undefined;
  }
  return chain;
}
