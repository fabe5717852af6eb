import { decodeJwt, type JWTPayload } from 'jose';
import { raceAbort, withDeadline } from '../async/deadline.ts';
import type { GuardedFetch } from '../net/network.ts';
import type { AuthorizationServerMetadata } from './issuer-metadata.ts';
import { readJson, type TokenAnswer } from './token-answer.ts';

/** Whose account it is at the provider. */
export interface AccountSubject {
  /** `sub`: unique and stable at this issuer. */
  subject?: string;
  /** For people: an address or a name, as the provider states it. Escape it wherever it is shown. */
  label?: string;
}

export interface AccountSubjectRequest {
  metadata: Pick<
    AuthorizationServerMetadata,
    'addressFrom' | 'tokenEndpoint' | 'userinfoEndpoint' | 'isIssuerKnown'
  >;
  answer: TokenAnswer;
  clientId: string;
  /** Of the authorization request. If it was sent, the ID token must repeat it. */
  nonce?: string;
  issuer: string;
}

/**
 * Finds out whose account a grant is for: by the ID token, else by the userinfo endpoint. Empty if neither says so;
 * never throws. An ID token of another client, time or request spoils the whole answer (OpenID Connect Core §3.1.3.7);
 * one of another issuer than the metadata name only says nothing.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims
 */
export async function accountSubject(
  guardedFetch: GuardedFetch,
  request: AccountSubjectRequest,
): Promise<AccountSubject | 'invalid-id-token'> {
  const claims = idTokenClaims(request);
  if (claims === 'invalid-id-token') return claims;
  const fromIdToken = claims === undefined ? {} : subjectOf(claims);
  if (fromIdToken.subject !== undefined && fromIdToken.label !== undefined) return fromIdToken;
  const fromUserinfo = subjectOf((await userinfo(guardedFetch, request)) ?? {});
  if (fromIdToken.subject === undefined) return fromUserinfo;
  // OpenID Connect Core §5.3.2: the answer counts only if it is about the same subject.
  return fromUserinfo.subject === fromIdToken.subject ? { ...fromUserinfo, ...fromIdToken } : fromIdToken;
}

const CLOCK_TOLERANCE_SECONDS = 60;

// The signature is not checked: the token came straight from the token endpoint over TLS.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation (3.1.3.7, number 6)
function idTokenClaims({
  metadata,
  answer,
  issuer,
  clientId,
  nonce,
}: AccountSubjectRequest): JWTPayload | 'invalid-id-token' | undefined {
  const claims = answer.idToken === undefined ? undefined : decoded(answer.idToken);
  if (claims === undefined) return undefined;
  const audience = [claims.aud ?? []].flat();
  // Providers with many tenants name another issuer in their metadata.
  if (metadata.isIssuerKnown !== false && claims.iss !== issuer) return undefined;
  const isValid =
    audience.includes(clientId) &&
    (claims.azp === undefined || claims.azp === clientId) &&
    typeof claims.exp === 'number' &&
    claims.exp > Date.now() / 1000 - CLOCK_TOLERANCE_SECONDS &&
    (nonce === undefined || claims.nonce === nonce);
  return isValid ? claims : 'invalid-id-token';
}

function decoded(idToken: string): JWTPayload | undefined {
  try {
    return decodeJwt(idToken);
  } catch {
    return undefined;
  }
}

const TIMEOUT_MS = 10_000;
const LIMITS = { headersTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS, maxBodyBytes: 64 * 1024 };

async function userinfo(
  guardedFetch: GuardedFetch,
  { metadata, answer }: AccountSubjectRequest,
): Promise<object | undefined> {
  const { userinfoEndpoint, addressFrom } = metadata;
  const { accessToken, scope } = answer;
  const mayAsk = scope === undefined || scope.split(' ').includes('openid');
  if (userinfoEndpoint === undefined || accessToken === undefined || !mayAsk) return undefined;
  if (!isTrusted(metadata, userinfoEndpoint)) return undefined;
  const headers = { accept: 'application/json', authorization: `Bearer ${accessToken}` };
  try {
    return await withDeadline({ ms: TIMEOUT_MS }, (signal) =>
      raceAbort(
        signal,
        guardedFetch(userinfoEndpoint, { headers, addressFrom, signal, ...LIMITS }).then(readUserinfo),
      ),
    );
  } catch {
    // The account stays unnamed.
    return undefined;
  }
}

async function readUserinfo(response: Response): Promise<object | undefined> {
  if (!response.ok) {
    await response.body?.cancel();
    return undefined;
  }
  const json = await readJson(response);
  return typeof json === 'object' && json !== null ? json : undefined;
}

// Metadata that only the MCP server points to may name the token endpoint of another authorization server, beside a
// userinfo endpoint that collects tokens.
function isTrusted(
  { addressFrom, tokenEndpoint }: AccountSubjectRequest['metadata'],
  userinfoEndpoint: string,
): boolean {
  return addressFrom === 'admin' || new URL(userinfoEndpoint).origin === new URL(tokenEndpoint).origin;
}

const LABELS = ['email', 'preferred_username', 'name'] as const;
const MAX_LENGTH = 255;

function subjectOf(claims: object): AccountSubject {
  const members = new Map<string, unknown>(Object.entries(claims));
  const subject = textOf(members.get('sub'));
  const label = LABELS.map((name) => textOf(members.get(name))).find((text) => text !== undefined);
  return { ...(subject !== undefined && { subject }), ...(label !== undefined && { label }) };
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH || /\p{C}/u.test(value)) return undefined;
  return value.trim() === '' ? undefined : value;
}
