import type { FastifyRequest } from 'fastify';
import { actingFor, namesUser } from '../acting-user.ts';
import { ACT_FOR_USERS_SCOPE, callerOf, insufficientScope, setCaller, type TokenCaller } from '../caller.ts';
import { assertNotCrossSite, assertOurHost, assertOurOrigin } from '../own-origin.ts';
import { HttpProblem, retryAfter } from '../problem.ts';
import type { Verified, VerifyToken } from '../token-verifier.ts';
import { type BrowserSettings, hasSessionCookie, readSession } from './browser.ts';
import type { LimitKeys, LimitRate } from './rate-limit.ts';

// RFC 6750 §2.1: b64token. The scheme's case does not matter (RFC 9110 §11.1).
const BEARER = /^Bearer(?: +(.*))?$/i;
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

// RFC 9110 §9.2.1, as far as there are routes.
const SAFE_METHODS = new Set(['GET', 'HEAD']);

type Authentication = Verified | { kind: 'no-token' };

export interface AuthenticatorOptions {
  verify: VerifyToken;
  limitRate: LimitRate;
  /** Limits all requests of a token that acts for users, by its own user. Each user's own limit counts too. */
  limitServices: LimitKeys;
  /** Undefined: the routes need a token. Else they also take the session cookie of the web page. */
  browser?: Pick<BrowserSettings, 'publicUrl' | 'sessions'>;
}

/**
 * Returns an `onRequest` hook that requires a valid token, or a session where a browser sends its cookie and no token.
 * A request counts for its user's rate limit, or without a valid token for its address's.
 */
export function createAuthenticator(options: AuthenticatorOptions) {
  const { verify, limitRate, browser } = options;
  return async (request: FastifyRequest): Promise<void> => {
    const { authorization } = request.headers;
    if (authorization === undefined && browser !== undefined && hasSessionCookie(request, browser)) {
      await limitRate(request);
      await authenticateBySession(request, browser);
      // By its address before the session is looked up, and then by its user.
      return limitRate(request);
    }
    const authentication = await authenticate(authorization, verify);
    if (authentication.kind === 'verified') return admit(request, authentication.caller, options);
    await limitRate(request);
    throw refusal(authentication);
  };
}

/** A refused `Latchkey-User` counts for the token's own user. */
async function admit(
  request: FastifyRequest,
  token: TokenCaller,
  { limitRate, limitServices }: AuthenticatorOptions,
): Promise<void> {
  const acting = actingFor(request, token);
  if (acting.kind === 'for-user') await limitServices(request, [`service:${token.userId}`]);
  setCaller(request, acting.kind === 'for-user' ? acting.caller : token);
  await limitRate(request);
  if (acting.kind === 'refused') throw acting.problem;
}

/** Returns whether the token or session of an authenticated request is still good. For answers that take long. */
export function createCallerCheck({
  verify,
  browser,
}: Required<Pick<AuthenticatorOptions, 'verify' | 'browser'>>) {
  return async (request: FastifyRequest): Promise<boolean> => {
    const { authorization } = request.headers;
    if (authorization !== undefined) return (await authenticate(authorization, verify)).kind !== 'invalid';
    const session = await readSession(request, browser);
    return session?.userId === callerOf(request).userId;
  };
}

/** A browser also sends the cookie for pages of others, so the request must come from a page of ours. */
async function authenticateBySession(
  request: FastifyRequest,
  browser: Pick<BrowserSettings, 'publicUrl' | 'sessions'>,
): Promise<void> {
  assertOurHost(request, browser.publicUrl);
  if (!SAFE_METHODS.has(request.method)) assertOurOrigin(request, browser.publicUrl);
  else assertNotCrossSite(request);
  const session = await readSession(request, browser);
  if (session === undefined) throw refusal({ kind: 'no-token' });
  if (namesUser(request)) throw insufficientScope(ACT_FOR_USERS_SCOPE);
  setCaller(request, { userId: session.userId, isAdmin: session.isAdmin });
}

async function authenticate(authorization: string | undefined, verify: VerifyToken): Promise<Authentication> {
  const [scheme, token = ''] = BEARER.exec(authorization ?? '') ?? [];
  if (scheme === undefined) return { kind: 'no-token' };
  return B64TOKEN.test(token) ? verify(token) : { kind: 'invalid', reason: 'The token is not valid.' };
}

function refusal(authentication: Exclude<Authentication, { kind: 'verified' }>): HttpProblem {
  switch (authentication.kind) {
    case 'no-token':
      // RFC 6750 §3.1: no error code if no token was sent.
      return unauthenticated('This needs a bearer token.', 'Bearer');
    case 'invalid':
      return unauthenticated(authentication.reason, 'Bearer error="invalid_token"');
    case 'keys-unavailable':
      return new HttpProblem(503, 'token-keys-unavailable', 'The keys that verify tokens are unavailable.', {
        headers: retryAfter(2_000),
        cause: authentication.cause,
      });
    default:
      return authentication satisfies never;
  }
}

function unauthenticated(detail: string, challenge: string): HttpProblem {
  return new HttpProblem(401, 'unauthenticated', detail, { headers: { 'www-authenticate': challenge } });
}
