import * as oauth from 'oauth4webapi';
import { NetworkError, type NetworkErrorCode } from '../net/network.ts';
import type { DiscoveryFailure } from './issuer-metadata.ts';

/** Failures that another request would repeat. */
const PERMANENT: readonly NetworkErrorCode[] = [
  'invalid-url',
  'scheme-refused',
  'userinfo-refused',
  'body-too-large',
];

/** Returns the outcome of a look-up, also if the network fails or the metadata are not valid. */
export async function classifyErrors<T>(discover: () => Promise<T>): Promise<T | DiscoveryFailure> {
  try {
    return await discover();
  } catch (error) {
    const failure = networkFailureOf(error);
    if (failure !== undefined && !PERMANENT.includes(failure.code)) {
      return { kind: 'unavailable', cause: `metadata-${failure.code}` };
    }
    if (
      failure !== undefined ||
      error instanceof oauth.OperationProcessingError ||
      error instanceof TypeError
    ) {
      return { kind: 'misconfigured', message: "the authorization server's metadata is not valid" };
    }
    throw error;
  }
}

// The library reports a response that broke off as one that is not JSON.
function networkFailureOf(error: unknown): NetworkError | undefined {
  if (error instanceof NetworkError) return error;
  const isParseError = error instanceof oauth.OperationProcessingError && error.cause instanceof NetworkError;
  // The cast repeats what the line above has checked.
  return isParseError ? (error.cause as NetworkError) : undefined;
}
