import type { CredentialVersions, Obstacle } from '../../src/contracts/activities.ts';
import type { ConnectionReason } from '../../src/contracts/step.ts';
import type { Outcome } from './scripted-activities.ts';

type Invoked = Outcome<'invokeTool'>;
type Refreshed = Outcome<'refreshToken'>;

export const RESULT = { content: [{ type: 'text', text: 'invoice 7' }], structuredContent: { id: 7 } };

export const completed: Invoked = { kind: 'completed', isError: false, result: RESULT };
export const lost: Invoked = { kind: 'lost', cause: 'connection-reset' };

/** Of `deleteExpired`. */
export const NOTHING_EXPIRED = {
  revocations: 0,
  results: 0,
  connectionEvents: 0,
  authorizations: 0,
  pendingDeposits: 0,
  connectSessions: 0,
  clientRegistrations: 0,
  webSessions: 0,
  signInLinks: 0,
  oidcSignIns: 0,
  watchedUsers: 0,
  tombstones: 0,
  auditEvents: 0,
  waiters: 0,
};

export function seen(credentialVersion: number, tokenVersion = credentialVersion): CredentialVersions {
  return { credentialVersion, tokenVersion };
}

export function tokenStale(versions: CredentialVersions): Obstacle {
  return { kind: 'token-stale', seen: versions };
}

export function unauthorized(versions: CredentialVersions): Invoked {
  return { kind: 'unauthorized', seen: versions };
}

/** A 401 that came after the token's own lifetime. */
export function unauthorizedExpired(versions: CredentialVersions): Invoked {
  return { kind: 'unauthorized', seen: versions, expired: true };
}

export function notSent(retryAfterMs?: number): Obstacle {
  return {
    kind: 'not-sent',
    cause: 'connection-refused',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** The user has as many calls under way as the worker allows. */
export const tooManyCalls: Obstacle = { kind: 'not-sent', cause: 'too-many-calls', retryAfterMs: 1_000 };

/** An admin has paused the server. */
export const serverPaused: Obstacle = { kind: 'not-sent', cause: 'server-paused' };

export const keyMissing = { kind: 'key-missing', kid: 'k2' } as const;

export function reauthRequired(
  versions: CredentialVersions,
  reason: ConnectionReason | 'not-connected' = 'invalid-grant',
): Extract<Invoked, { kind: 'reauth-required' }> {
  return { kind: 'reauth-required', seen: versions, reason };
}

export function renewed(versions: CredentialVersions): Refreshed {
  return { kind: 'renewed', versions };
}

export function insufficientScope(
  versions: CredentialVersions,
  challengedScopes: string[],
  granted: string[] = [],
): Extract<Obstacle, { kind: 'insufficient-scope' }> {
  const requiredScopes = [...new Set([...granted, ...challengedScopes])];
  return { kind: 'insufficient-scope', seen: versions, challengedScopes, requiredScopes };
}
