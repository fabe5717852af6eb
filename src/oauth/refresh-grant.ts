import * as oauth from 'oauth4webapi';
import { type AddressSource, type GuardedFetch, NetworkError } from '../net/network.ts';
import { createSecretRedaction, type SecretRedaction, secretsInUrl } from '../net/secret-redaction.ts';
import { type ClientCredentials, clientAuthentication, secretsOfClient } from './client-authentication.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { retryAfterMs } from './retry-after.ts';

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

/** The tokens of a response, validated only as far as needed to keep the only copy of a rotated token. */
export interface TokenAnswer {
  accessToken?: string;
  /** Absent: the refresh token that was sent stays (RFC 6749 §6). */
  refreshToken?: string;
  expiresIn?: unknown;
  /** Absent: the granted scopes stay (RFC 6749 §5.1). */
  scope?: string;
}

export type RefreshGrantOutcome =
  | { kind: 'tokens'; answer: TokenAnswer }
  /** The server refuses, in the words of RFC 6749 §5.2, in its own, or in none. */
  | ({ kind: 'refused'; retryAfterMs?: number } & Refusal)
  | { kind: 'not-sent'; cause: string }
  /** 429: the server says that it did nothing. */
  | { kind: 'rate-limited'; retryAfterMs?: number }
  /** Sent without a usable response: the refresh token may be spent. */
  | { kind: 'unusable'; cause: string; retryAfterMs?: number };

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
    return await readAnswer(response, createSecretRedaction(...secretsOf(request)));
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
    { issuer: request.tokenEndpoint, token_endpoint: request.tokenEndpoint },
    { client_id: request.clientId ?? 'none' },
    clientAuthentication(request),
    request.refreshToken,
    {
      additionalParameters: parameters,
      // The guarded fetch decides about schemes: http is allowed in development only.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, init) =>
        guardedFetch(url, {
          method: init.method,
          headers: init.headers,
          body: init.body,
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

/** `tokensOf` adds the tokens of the response to the secrets. */
async function readAnswer(response: Response, secrets: SecretRedaction): Promise<RefreshGrantOutcome> {
  const retryAfter = retryAfterMs(response.headers.get('retry-after'), response.headers.get('date'));
  const waiting = retryAfter === undefined ? {} : { retryAfterMs: retryAfter };
  if (response.status === 429) {
    await response.body?.cancel();
    return { kind: 'rate-limited', ...waiting };
  }
  const json = await readJson(response);
  const answer = tokensOf(json, secrets);
  // Tokens in an unsuccessful response are not used, and such a response does not count as a refusal.
  if (answer !== undefined && response.ok) return { kind: 'tokens', answer };
  // A 5xx with an OAuth error in its body is still an outage: RFC 6749 §5.2 errors are 400 or 401.
  const refusal = json === undefined || answer !== undefined ? undefined : refusalOf(response.status, json);
  if (refusal !== undefined) return { kind: 'refused', ...refusal, ...waiting };
  return { kind: 'unusable', cause: `http-${response.status}`, ...waiting };
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text());
  } catch {
    // Not JSON, cut off, too large or never finished.
    return undefined;
  }
}

// Nothing else is validated before the tokens are kept: an odd token_type, expires_in or scope must not drop the
// only copy of a rotated refresh token.
function tokensOf(json: unknown, secrets: SecretRedaction): TokenAnswer | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  // The cast names what the line above has checked.
  const body = json as Record<string, unknown>;
  const accessToken = nonEmpty(body.access_token);
  const refreshToken = nonEmpty(body.refresh_token);
  if (accessToken === undefined && refreshToken === undefined) return undefined;
  secrets.add(accessToken, refreshToken);
  const scope = scopeOf(body.scope, secrets);
  return {
    ...(accessToken !== undefined && { accessToken }),
    ...(refreshToken !== undefined && { refreshToken }),
    expiresIn: body.expires_in,
    ...(scope !== undefined && { scope }),
  };
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

// RFC 6749 §3.3 defines the characters of a scope. Any other text is ignored, because the database might refuse it and
// the tokens with it. A part that quotes a secret is redacted, because scopes are stored and shown in clear.
function scopeOf(value: unknown, secrets: SecretRedaction): string | undefined {
  const scope = nonEmpty(value);
  if (scope === undefined || !/^[\x20-\x7e]+$/.test(scope)) return undefined;
  return secrets.isQuotedIn(scope) ? nonEmpty(secrets.inScopes(scope.split(' ')).join(' ')) : scope;
}
