/**
 * Turns an authorization response into a consent. Each failure is an outcome with a stable code. The order of the checks
 * matters, because an unproven response must have no effect: `state` (single use, of this browser), the signed-in user,
 * the redirect URI, the issuer, and only then the code or the error.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.7, https://www.rfc-editor.org/rfc/rfc9207#section-2.4
 */
import { type AuthorizationResponse, readAuthorizationResponse } from '../oauth/authorization-response.ts';
import { type CodeGrantOutcome, exchangeCode } from '../oauth/code-grant.ts';
import { hashOpaqueToken } from '../vault/opaque-token.ts';
import type { AuthorizationUnderWay } from './begin-authorization.ts';
import { issuerKey } from './clients/redirect-uri.ts';
import { markRefused } from './clients/registration-store.ts';
import type { ConnectCode } from './connect-code.ts';
import { consentDeposit } from './consent-deposit.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { type StoredAuthorization, takeAuthorization } from './sessions/authorization-store.ts';
import { isOfBrowser, type SeenBrowser } from './sessions/browser-owner.ts';
import { type ConnectSession, isSettled } from './sessions/connect-session.ts';
import { failSession, findSession, findSessionOfState } from './sessions/session-store.ts';
import { type SettleOutcome, settleConsent } from './settle-consent.ts';

export interface AuthorizationCallback extends SeenBrowser {
  parameters: URLSearchParams;
  /** The part of the path that names the issuer; absent for the common redirect URI. */
  issuerKey?: string | undefined;
}

export type CompleteOutcome =
  /** The flow has come to an end, good or bad, or waits for a person: the session says it. */
  | { kind: 'ended'; session: ConnectSession }
  /** `state` is unknown or of another browser, or another browser has finished the session. */
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
  const stateHash = hashOpaqueToken(state).toString('base64url');
  const authorization = await takeAuthorization(deps.db, stateHash, browserHash);
  // The browser has loaded the callback before.
  if (authorization === undefined) return toOutcome(await findSessionOfState(deps.db, stateHash), callback);
  const { connectSessionId } = authorization;
  const session = await findSession(deps.db, connectSessionId);
  if (session === undefined) return { kind: 'unknown-state' };
  const awaited = { authorization: { ...authorization, stateHash }, session };
  const outcome = await settleSafely(deps, callback, awaited);
  if (outcome.kind === 'failed') await noteFailure(deps, awaited, outcome);
  return toOutcome(await findSession(deps.db, connectSessionId), callback);
}

// Two browsers may have left in one session. What a settled session shows, and where it leads, is only for the one whose
// consent was kept: the host takes the browser that comes back for the one that has consented.
function toOutcome(session: ConnectSession | undefined, browser: SeenBrowser): CompleteOutcome {
  if (session === undefined) return { kind: 'unknown-state' };
  const isOwn = session.browserHash === browser.browserHash && isOfBrowser(session, browser);
  return isOwn || !isSettled(session) ? { kind: 'ended', session } : { kind: 'unknown-state' };
}

interface TakenAuthorization {
  authorization: StoredAuthorization & { isExpired: boolean; stateHash: string };
  session: ConnectSession;
}

type CallbackOutcome = Failure | { kind: 'settled' };

// The code is spent, so the user has to try again anyway: an outcome with a code is better than an error page.
async function settleSafely(
  deps: ConnectDependencies,
  callback: AuthorizationCallback,
  awaited: TakenAuthorization,
): Promise<CallbackOutcome> {
  try {
    return await settleCallback(deps, callback, awaited);
  } catch (error) {
    const { id, key } = awaited.session;
    deps.logger.error({ ...key, connectSessionId: id, err: error }, 'a consent could not be settled');
    return failed('temporarily-unavailable', 'an error, which the log names');
  }
}

async function noteFailure(
  { db, logger }: ConnectDependencies,
  { session: { id, key }, authorization: { stateHash, browserHash } }: TakenAuthorization,
  { status, code, detail }: Failure,
): Promise<void> {
  const fields = { ...key, connectSessionId: id, code };
  if (status === 'denied') logger.info(fields, 'a user has declined to connect');
  else logger.warn(fields, `a user could not be connected: ${detail}`);
  await failSession(db, { id, status, code, detail, answer: { stateHash, browserHash } });
}

async function settleCallback(
  deps: ConnectDependencies,
  callback: AuthorizationCallback,
  { authorization, session }: TakenAuthorization,
): Promise<CallbackOutcome> {
  // A double click began two authorizations, and the other one has been finished.
  if (isSettled(session)) return { kind: 'settled' };
  if (!isOfUser(session, callback)) {
    return failed('other-user', 'the browser is not signed in as the user who connects');
  }
  if (authorization.isExpired) return failed('authorization-expired', 'the answer came too late');
  const underWay = await openRequest(deps, authorization);
  if (underWay === undefined) return failed('encryption-key-missing', "the authorization can't be decrypted");
  const answer = readResponse(callback, underWay);
  return answer.kind === 'code'
    ? settleCode(deps, { authorization, session }, underWay, answer.code)
    : answer;
}

// A link needs no sign-in. Without one, the user may have signed out, and somebody else may sit there now.
function isOfUser({ isLink, key }: ConnectSession, { signedInUserId }: SeenBrowser): boolean {
  return signedInUserId === key.userId || (isLink && signedInUserId === undefined);
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

/** What the standards call an error. Anything else could speak to the user or the operator in our name. */
const ERROR_NAME = /^[a-z_]{1,40}$/;

function denial({ error }: Extract<AuthorizationResponse, { kind: 'denied' }>): Failure {
  const code = ERROR_CODES.get(error) ?? 'authorization-refused';
  const status = code === 'access-denied' ? 'denied' : 'failed';
  const name = ERROR_NAME.test(error) ? error : 'an unknown error';
  return { kind: 'failed', status, code, detail: `the authorization server answers ${name}` };
}

async function settleCode(
  deps: ConnectDependencies,
  { session, authorization }: TakenAuthorization,
  underWay: AuthorizationUnderWay,
  code: string,
): Promise<CallbackOutcome> {
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
  const { stateHash, browserHash } = authorization;
  const origin = { kind: 'callback', stateHash, browserHash } as const;
  return toFailure(await settleConsent(deps, session, consent, origin));
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

function toFailure(outcome: SettleOutcome): CallbackOutcome {
  return outcome.kind === 'refused' ? failed(outcome.code, outcome.message) : { kind: 'settled' };
}

function failed(code: ConnectCode, detail: string): Failure {
  return { kind: 'failed', status: 'failed', code, detail };
}
