/**
 * How an authorization server treats a refresh token that was used before.
 * - `reuse-detection`: revokes the whole grant (OAuth 2.1 §4.3.1)
 * - `refusal`: refuses that token alone
 * - `grace`: gives the same new tokens again for a while, then detects reuse
 * - `no-rotation`: refresh tokens are not spent by being used
 */
export type ServerKind = 'reuse-detection' | 'refusal' | 'grace' | 'no-rotation';

/** Seconds after a rotation. Longer than a lease, or the grace would be over before anybody may take over. */
export const GRACE_SECONDS = 30;

/** What one consent has given: the tokens of a family are its letter and a number, the highest is the current one. */
export interface Grant {
  current: number;
  sinceRotation: number;
  isAlive: boolean;
  /** At its user's wish. */
  isRevoked: boolean;
}

export type Grants = Readonly<Record<string, Grant>>;

export interface Answer {
  status: number;
  json: object;
}

export interface Verdict {
  grants: Grants;
  answer: Answer;
  /** `reused`: the server took the token for stolen. */
  event: 'rotated' | 'given-again' | 'not-rotated' | 'refused' | 'reused' | 'revoked';
}

export const NEW_GRANT: Grant = { current: 1, sinceRotation: 0, isAlive: true, isRevoked: false };

const REFUSAL: Answer = { status: 400, json: { error: 'invalid_grant' } };

export function familyOf(token: string): string {
  return token.slice(0, 1);
}

/** What the token endpoint does with a refresh request. */
export function refresh(kind: ServerKind, grants: Grants, token: string): Verdict {
  const grant = grantOf(grants, token);
  if (!grant.isAlive) return { grants, answer: REFUSAL, event: 'refused' };
  const isCurrent = numberOf(token) === grant.current;
  if (kind === 'no-rotation') {
    return { grants, answer: { status: 200, json: { access_token: 'a' } }, event: 'not-rotated' };
  }
  if (isCurrent) return rotate(grants, token, grant);
  if (isInGrace(kind, grant, token)) return { grants, answer: tokens(token, grant), event: 'given-again' };
  if (kind === 'refusal') return { grants, answer: REFUSAL, event: 'refused' };
  return { grants: withGrant(grants, token, { ...grant, isAlive: false }), answer: REFUSAL, event: 'reused' };
}

/** RFC 7009. A spent token is no longer one that could be revoked. */
export function revoke(grants: Grants, token: string): Verdict {
  const grant = grantOf(grants, token);
  const answer = { status: 200, json: {} };
  if (!grant.isAlive || numberOf(token) !== grant.current) return { grants, answer, event: 'refused' };
  const revoked = { ...grant, isAlive: false, isRevoked: true };
  return { grants: withGrant(grants, token, revoked), answer, event: 'revoked' };
}

/** Whether the server would give tokens for it. */
export function isUsable(kind: ServerKind, grants: Grants, token: string): boolean {
  const grant = grantOf(grants, token);
  return grant.isAlive && (numberOf(token) === grant.current || isInGrace(kind, grant, token));
}

export function oneSecondLater(kind: ServerKind, grants: Grants): Grants {
  if (kind !== 'grace') return grants;
  const aged = Object.entries(grants).map(([family, grant]) => {
    const sinceRotation = Math.min(grant.sinceRotation + 1, GRACE_SECONDS + 1);
    return [family, { ...grant, sinceRotation }];
  });
  return Object.fromEntries(aged);
}

function rotate(grants: Grants, token: string, grant: Grant): Verdict {
  const rotated = { ...grant, current: grant.current + 1, sinceRotation: 0 };
  return { grants: withGrant(grants, token, rotated), answer: tokens(token, rotated), event: 'rotated' };
}

function tokens(token: string, { current }: Grant): Answer {
  const refreshToken = `${familyOf(token)}${current}`;
  return { status: 200, json: { access_token: `a-${refreshToken}`, refresh_token: refreshToken } };
}

function isInGrace(kind: ServerKind, grant: Grant, token: string): boolean {
  return kind === 'grace' && numberOf(token) === grant.current - 1 && grant.sinceRotation <= GRACE_SECONDS;
}

export function grantOf(grants: Grants, token: string): Grant {
  const grant = grants[familyOf(token)];
  if (grant === undefined) throw new Error(`the authorization server never gave ${token}`);
  return grant;
}

function withGrant(grants: Grants, token: string, grant: Grant): Grants {
  return { ...grants, [familyOf(token)]: grant };
}

export function numberOf(token: string): number {
  return Number(token.slice(1));
}
