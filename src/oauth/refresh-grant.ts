import * as oauth from 'oauth4webapi';
import { type AddressSource, type GuardedFetch, NetworkError } from '../net/network.ts';
import { createSecretRedaction, secretsInUrl } from '../net/secret-redaction.ts';
import { type ClientCredentials, clientAuthentication, secretsOfClient } from './client-authentication.ts';
import { guardedOptions } from './library-options.ts';
import { readTokenAnswer, type TokenOutcome } from './token-answer.ts';

/** Parameters that a refresh may leave out at any server that conforms to RFC 6749 §6 and RFC 8707. */
export type OptionalParameter = 'scope' | 'resource';

export interface RefreshGrantRequest extends ClientCredentials {
  tokenEndpoint: string;
  addressFrom: AddressSource;
  refreshToken: string;
  scopes?: string;
  resource?: string;
  /** If it throws, the request is not sent. */
  beforeFirstByte: () => void;
}

export type RefreshGrantOutcome = TokenOutcome | { kind: 'not-sent'; cause: string };

const MAX_RESPONSE_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** Long on purpose: giving up after the first byte can cost the grant. */
const RESPONSE_TIMEOUT_MS = 60_000;

/**
 * Sends one refresh request. Never throws because of the network or the server, never follows a redirect, and never
 * sends twice.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6, https://www.rfc-editor.org/rfc/rfc8707#section-2.2
 */
export async function refreshGrant(
  guardedFetch: GuardedFetch,
  request: RefreshGrantRequest,
): Promise<RefreshGrantOutcome> {
  const { signal, beforeFirstByte, clear } = createResponseTimeout(request.beforeFirstByte);
  try {
    const response = await sendRefresh(guardedFetch, { ...request, signal, beforeFirstByte });
    return await readTokenAnswer(response, createSecretRedaction(...secretsOf(request)));
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    return error.sent ? { kind: 'unusable', cause: error.code } : { kind: 'not-sent', cause: error.code };
  } finally {
    clear();
  }
}

// Limits the response as a whole, from the first byte of the request on: a response that trickles in would otherwise
// hold the lease, and keep a draining process from ending.
function createResponseTimeout(beforeFirstByte: () => void) {
  const timeout = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: timeout.signal,
    beforeFirstByte() {
      beforeFirstByte();
      timer = setTimeout(() => timeout.abort(), RESPONSE_TIMEOUT_MS);
    },
    clear: () => clearTimeout(timer),
  };
}

async function sendRefresh(
  guardedFetch: GuardedFetch,
  request: RefreshGrantRequest & { signal: AbortSignal },
): Promise<Response> {
  const parameters = new URLSearchParams();
  if (request.scopes !== undefined) parameters.set('scope', request.scopes);
  if (request.resource !== undefined) parameters.set('resource', request.resource);
  return oauth.refreshTokenGrantRequest(
    { issuer: request.issuer ?? request.tokenEndpoint, token_endpoint: request.tokenEndpoint },
    { client_id: request.clientId ?? 'none' },
    clientAuthentication(request),
    request.refreshToken,
    {
      additionalParameters: parameters,
      ...guardedOptions(guardedFetch, {
        addressFrom: request.addressFrom,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        headersTimeoutMs: RESPONSE_TIMEOUT_MS,
        bodyTimeoutMs: RESPONSE_TIMEOUT_MS,
        maxBodyBytes: MAX_RESPONSE_BYTES,
        beforeFirstByte: request.beforeFirstByte,
        signal: request.signal,
      }),
    },
  );
}

/** Returns what the server could quote in its answer. */
export function secretsOf(request: Omit<RefreshGrantRequest, 'beforeFirstByte'>): string[] {
  return [request.refreshToken, ...secretsOfClient(request), ...secretsInUrl(request.tokenEndpoint)];
}
