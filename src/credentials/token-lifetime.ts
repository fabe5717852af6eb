/** Nobody's access token lives longer, and Postgres' intervals end somewhere. */
const LONGEST_LIFETIME_SECONDS = 10 * 365 * 24 * 3600;
const MARGIN_SECONDS = 60;

/**
 * The lifetime that an authorization server stated, in seconds, or undefined where it stated none that can
 * be used: then the token is used until a 401. Some servers send a numeric string.
 *
 * @see RFC 6749 §5.1 `expires_in`
 */
export function lifetimeSeconds(expiresIn: unknown): number | undefined {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return undefined;
  return Math.min(Math.max(seconds, 0), LONGEST_LIFETIME_SECONDS);
}

/** Seconds after which a token is renewed: when less than min(60 s, a quarter of the lifetime) is left. */
export function renewAfterSeconds(lifetime: number | undefined): number | undefined {
  return lifetime === undefined ? undefined : lifetime - Math.min(MARGIN_SECONDS, lifetime / 4);
}

/** Seconds until a token expires of whose lifetime some have passed. Undefined where nothing of it is left. */
export function expiresInSeconds(lifetime: number | undefined, passed = 0): number | undefined {
  return lifetime === undefined || lifetime <= passed ? undefined : lifetime - passed;
}
