import { createSecretKey } from 'node:crypto';
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { hasScope } from '../contracts/scopes.ts';
import { userIdFromClaim } from '../schemas/user-claim.ts';
import { ACT_FOR_USERS_SCOPE, ADMIN_SCOPE, CONTENT_SCOPE, type TokenCaller } from './caller.ts';

export type JwtOptions = {
  /** The claim that holds the user id. */
  userClaim: string;
} & (
  | { kind: 'secret'; secret: Uint8Array }
  /** The keys are those that the issuer publishes at `url`. `fetchKeys` reads them, by default Node's fetch. */
  | {
      kind: 'jwks';
      url: string;
      issuer: string;
      audience: string;
      fetchKeys?: FetchImplementation | undefined;
    }
);

export type Verified =
  | { kind: 'verified'; caller: TokenCaller }
  /** `reason` is shown to the caller and contains no part of the token. */
  | { kind: 'invalid'; reason: string }
  | { kind: 'keys-unavailable'; cause: unknown };

export type VerifyToken = (token: string) => Promise<Verified>;

// An allow-list, so that neither `none` nor an HMAC keyed with a public key is accepted. RFC 8725 §3.1.
const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Seconds by which clocks may differ. */
const CLOCK_TOLERANCE_S = 5;
const JWKS_TIMEOUT_MS = 5_000;

/**
 * Verifies a caller's JWT. A token without `exp` is refused, because it would be valid forever.
 *
 * @see RFC 7519 §7.2, RFC 8725
 */
export function createTokenVerifier(options: JwtOptions): VerifyToken {
  const verify = options.kind === 'secret' ? verifyBySecret(options.secret) : verifyByJwks(options);
  return async (token) => {
    try {
      return callerOfClaims(await verify(token), options.userClaim);
    } catch (error) {
      if (error instanceof KeysUnavailable) return { kind: 'keys-unavailable', cause: error.cause };
      if (error instanceof errors.JOSEError) return { kind: 'invalid', reason: reasonOf(error) };
      throw error;
    }
  };
}

type VerifyClaims = (token: string) => Promise<JWTPayload>;

const COMMON: JWTVerifyOptions = { requiredClaims: ['exp'], clockTolerance: CLOCK_TOLERANCE_S };

function verifyBySecret(secret: Uint8Array): VerifyClaims {
  const key = createSecretKey(secret);
  return async (token) => (await jwtVerify(token, key, { ...COMMON, algorithms: ['HS256'] })).payload;
}

function verifyByJwks(options: Extract<JwtOptions, { kind: 'jwks' }>): VerifyClaims {
  const { url, issuer, audience, fetchKeys } = options;
  const getKey = keysAt(url, fetchKeys);
  const rules = { ...COMMON, algorithms: ASYMMETRIC_ALGORITHMS, issuer, audience };
  return async (token) => {
    try {
      return (await jwtVerify(token, getKey, rules)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return await verifyByAny(token, error, rules);
    }
  };
}

// The issuer rotates keys without key ids, so any of the matching keys may have signed the token.
async function verifyByAny(token: string, keys: errors.JWKSMultipleMatchingKeys, rules: JWTVerifyOptions) {
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, rules)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** The key set could not be read, so the token could not be verified. */
class KeysUnavailable extends Error {}

function keysAt(url: string, fetchKeys: FetchImplementation | undefined): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    ...(fetchKeys && { [customFetch]: fetchKeys }),
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (isAboutToken(error)) throw error;
      throw new KeysUnavailable('the key set is unavailable', { cause: error });
    }
  };
}

function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function callerOfClaims(claims: JWTPayload, userClaim: string): Verified {
  const userId = Object.hasOwn(claims, userClaim) ? userIdFromClaim(claims[userClaim]) : undefined;
  if (userId === undefined) return { kind: 'invalid', reason: 'The token names no user.' };
  const scope = typeof claims.scope === 'string' ? claims.scope : undefined;
  const isAdmin = hasScope(scope, ADMIN_SCOPE);
  const seesContent = isAdmin && hasScope(scope, CONTENT_SCOPE);
  const mayActForUsers = hasScope(scope, ACT_FOR_USERS_SCOPE);
  return { kind: 'verified', caller: { userId, isAdmin, seesContent, mayActForUsers } };
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.';
  // The checked claims are known names. Their values are not repeated.
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The token's claim ${error.claim} does not fit.`;
  return 'The token is not valid.';
}
