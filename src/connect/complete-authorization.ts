/**
 * The way back: an authorization response becomes a consent, and every failure an outcome with a stable code. The checks
 * come in this order, because what an unproven response says must have no effect: `state` (single use, of this browser),
 * the signed-in user, the redirect URI, the issuer, and only then the code or the error.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.7, https://www.rfc-editor.org/rfc/rfc9207#section-2.4
 */

import { type AuthorizationResponse, readAuthorizationResponse } from '../oauth/authorization-response.ts';
import { type CodeGrantOutcome, exchangeCode } from '../oauth/code-grant.ts';
import type { AuthorizationUnderWay } from './begin-authorization.ts';
import { issuerKey } from './clients/redirect-uri.ts';
import { markRefused } from './clients/registration-store.ts';
import type { ConnectCode } from './connect-code.ts';
import { consentDeposit } from './consent-deposit.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { hashOf } from './opaque-token.ts';
import { type StoredAuthorization, takeAuthorization } from './sessions/authorization-store.ts';
import type { ConnectSession } from './sessions/connect-session.ts';
import { failSession, findSession } from './sessions/session-store.ts';
import { type SettleOutcome, settleConsent } from './settle-consent.ts';

export interface AuthorizationCallback {
  parameters: URLSearchParams;
  /** The part of the path that names the issuer; absent for the common redirect URI. */
  issuerKey?: string | undefined;
  /** SHA-256 of the browser's cookie; absent: the browser has none. */
  browserHash?: string | undefined;
  /** Who is signed in in this browser. */
  signedInUserId?: string | undefined;
}

export type CompleteOutcome =
  /** The flow has come to an end, good or bad, or waits for a person: the session says it. */
  | { kind: 'ended'; session: ConnectSession }
  /** `state` is unknown, used or of another browser. */
  | { kind: 'unknown-state' };

type Failure = { kind: 'failed'; status: 'denied' | 'failed'; code: ConnectCode; detail: string };

/** Completes the authorization that a browser comes back from. */
export async function completeAuthorization(
  deps: ConnectDependencies,
  callback: AuthorizationCallback,
): Promise<CompleteOutcome> {
  const [state, ...others] = callback.parameters.getAll('state');
  const { browserHash } = callback;
  if (state === undefined || others.length > 0 || browserHash === undefined) return { kind: 'unknown-state' };
  const authorization = await takeAuthorization(deps.db, hashOf(state), browserHash);
  if (authorization === undefined) return { kind: 'unknown-state' };
  const { connectSessionId } = authorization;
  const session = await findSession(deps.db, connectSessionId);
  if (session === undefined) return { kind: 'unknown-state' };
  const outcome = await settleCallback(deps, callback, { authorization, session });
  if (outcome.kind === 'failed') await noteFailure(deps, session, outcome);
  const ended = await findSession(deps.db, connectSessionId);
  return ended === undefined ? { kind: 'unknown-state' } : { kind: 'ended', session: ended };
}

async function noteFailure(
  { db, logger }: ConnectDependencies,
  { id, key }: ConnectSession,
  { status, code, detail }: Failure,
): Promise<void> {
  const fields = { ...key, connectSessionId: id, code };
  if (status === 'denied') logger.info(fields, 'a user has declined to connect');
  else logger.warn(fields, `a user could not be connected: ${detail}`);
  await failSession(db, { id, status, code, detail });
}

interface TakenAuthorization {
  authorization: StoredAuthorization & { isExpired: boolean };
  session: ConnectSession;
}

async function settleCallback(
  deps: ConnectDependencies,
  callback: AuthorizationCallback,
  { authorization, session }: TakenAuthorization,
): Promise<Failure | { kind: 'settled' }> {
  // A double click began two authorizations, and the other one has been finished.
  if (session.status === 'connected' || session.status === 'awaiting-confirmation')
    return { kind: 'settled' };
  const { signedInUserId } = callback;
  if (signedInUserId !== undefined && signedInUserId !== authorization.userId) {
    return failed('other-user', 'the browser is signed in as another user than the one who connects');
  }
  if (authorization.isExpired) return failed('authorization-expired', 'the answer came too late');
  const underWay = await openRequest(deps, authorization);
  if (underWay === undefined) return failed('encryption-key-missing', "the authorization can't be decrypted");
  const answer = readResponse(callback, underWay);
  return answer.kind === 'code' ? settleCode(deps, session, underWay, answer.code) : answer;
}

async function openRequest(
  { vault }: ConnectDependencies,
  { userId, mcpServerId, requestJwe }: StoredAuthorization,
): Promise<AuthorizationUnderWay | undefined> {
  const opened = await vault.open('authorization', { userId, mcpServerId }, requestJwe);
  // The cast is safe: the vault opens only what `AuthorizationUnderWay` was sealed into.
  return opened.kind === 'opened' ? (JSON.parse(opened.plaintext) as AuthorizationUnderWay) : undefined;
}

function readResponse(
  callback: AuthorizationCallback,
  { metadata }: AuthorizationUnderWay,
): { kind: 'code'; code: string } | Failure {
  // RFC 9700 §4.4.2.2: a server without `iss` is known by the redirect URI that only it has.
  const expectedKey = metadata.announcesIss ? undefined : issuerKey(metadata.issuer);
  if (callback.issuerKey !== expectedKey) {
    return failed('redirect-mismatch', 'the answer came to the redirect URI of another authorization server');
  }
  const response = readAuthorizationResponse(callback.parameters, metadata);
  switch (response.kind) {
    case 'code':
      return response;
    case 'denied':
      return denial(response);
    case 'refused':
      return failed(RESPONSE_CODES[response.why], `the answer is refused: ${response.why}`);
    default:
      return response satisfies never;
  }
}

const RESPONSE_CODES = {
  'iss-missing': 'issuer-missing',
  'iss-mismatch': 'issuer-mismatch',
  malformed: 'malformed-answer',
} as const;

/** RFC 6749 §4.1.2.1, RFC 8707 §2. */
const ERROR_CODES: ReadonlyMap<string, ConnectCode> = new Map([
  ['access_denied', 'access-denied'],
  ['invalid_scope', 'invalid-scope'],
  ['invalid_target', 'invalid-target'],
  ['unauthorized_client', 'unauthorized-client'],
  ['server_error', 'authorization-server-error'],
  ['temporarily_unavailable', 'authorization-server-unavailable'],
]);

// The page shows the code and not the server's texts, which could say anything to the user in our name.
function denial({ error }: Extract<AuthorizationResponse, { kind: 'denied' }>): Failure {
  const code = ERROR_CODES.get(error) ?? 'authorization-refused';
  const status = code === 'access-denied' ? 'denied' : 'failed';
  return { kind: 'failed', status, code, detail: `the authorization server answers ${error}` };
}

async function settleCode(
  deps: ConnectDependencies,
  session: ConnectSession,
  underWay: AuthorizationUnderWay,
  code: string,
): Promise<Failure | { kind: 'settled' }> {
  const { metadata, client, redirectUri, codeVerifier, resource } = underWay;
  const receivedAt = new Date().toISOString();
  const outcome = await exchangeCode(deps.guardedFetch, {
    ...client,
    tokenEndpoint: metadata.tokenEndpoint,
    addressFrom: metadata.addressFrom,
    code,
    redirectUri,
    codeVerifier,
    ...(resource !== undefined && { resource }),
  });
  if (outcome.kind !== 'tokens') return tokenFailure(deps, session, underWay, outcome);
  const deposit = await consentDeposit(deps, session, underWay, outcome.answer);
  if (typeof deposit === 'string') return failed(deposit, `the token answer can't be used: ${deposit}`);
  const { serverRevision } = underWay;
  const consent = { connectSessionId: session.id, deposit, receivedAt, serverRevision };
  return toFailure(await settleConsent(deps, session, consent));
}

/** RFC 6749 §5.2. */
const CLIENT_REFUSALS = ['invalid_client', 'unauthorized_client'];

async function tokenFailure(
  { db }: ConnectDependencies,
  { key: { mcpServerId } }: ConnectSession,
  { client, metadata, redirectUri }: AuthorizationUnderWay,
  outcome: Exclude<CodeGrantOutcome, { kind: 'tokens' }>,
): Promise<Failure> {
  if (outcome.kind === 'failed') {
    return failed('token-endpoint-unavailable', `the token endpoint gave no usable answer: ${outcome.cause}`);
  }
  if (outcome.codes.some((code) => CLIENT_REFUSALS.includes(code))) {
    if (client.generation !== undefined) {
      await markRefused(db, { issuer: metadata.issuer, mcpServerId, redirectUri }, client.generation);
    }
    return failed('client-refused', 'the token endpoint refuses the client');
  }
  return outcome.codes.includes('invalid_grant')
    ? failed('code-refused', 'the token endpoint refuses the authorization code')
    : failed('token-request-refused', `the token endpoint refuses the request with status ${outcome.status}`);
}

function toFailure(outcome: SettleOutcome): Failure | { kind: 'settled' } {
  return outcome.kind === 'refused' ? failed(outcome.code, outcome.message) : { kind: 'settled' };
}

function failed(code: ConnectCode, detail: string): Failure {
  return { kind: 'failed', status: 'failed', code, detail };
}
