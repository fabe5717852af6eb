import { present } from '../contracts/present.ts';
import type { SecretRedaction } from '../net/secret-redaction.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { retryAfterMs } from './retry-after.ts';

/** The tokens of a response, validated only as far as needed to keep the only copy of a rotated token. */
export interface TokenAnswer {
  accessToken?: string;
  /** Absent from the answer to a refresh: the refresh token that was sent stays (RFC 6749 §6). */
  refreshToken?: string;
  expiresIn?: unknown;
  /** Absent: the requested scopes are granted, or the granted ones stay (RFC 6749 §5.1). */
  scope?: string;
  /** OpenID Connect Core §3.1.3.3. Its claims are not validated. */
  idToken?: string;
}

export type TokenOutcome =
  | { kind: 'tokens'; answer: TokenAnswer }
  /** The server refuses, in the words of RFC 6749 §5.2, in its own, or in none. */
  | ({ kind: 'refused'; retryAfterMs?: number } & Refusal)
  /** 429: the server says that it did nothing. */
  | { kind: 'rate-limited'; retryAfterMs?: number }
  /** There is no usable response: what was sent may be spent. */
  | { kind: 'unusable'; cause: string; retryAfterMs?: number };

/**
 * Reads the response of a token endpoint. Keeps the tokens of any successful JSON object before it judges the rest.
 *
 * @param secrets what the server could quote; the tokens of the response are added
 */
export async function readTokenAnswer(response: Response, secrets: SecretRedaction): Promise<TokenOutcome> {
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

/** Returns the JSON of a response. Undefined: it is not JSON, cut off, too large or never finished. */
export async function readJson(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text());
  } catch {
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
  const idToken = nonEmpty(body.id_token);
  secrets.add(accessToken, refreshToken, idToken);
  const scope = scopeOf(body.scope, secrets);
  return { ...present({ accessToken, refreshToken, scope, idToken }), expiresIn: body.expires_in };
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
