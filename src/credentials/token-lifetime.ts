/** A cap, because Postgres limits its intervals: no access token lives longer. */
const MAX_LIFETIME_SECONDS = 10 * 365 * 24 * 3600;
const MARGIN_SECONDS = 60;

/**
 * Returns the lifetime that an authorization server stated, in seconds. Undefined if it stated no usable one: then the
 * token is used until a 401. Some servers send a numeric string.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1 (`expires_in`)
 */
export function lifetimeSeconds(expiresIn: unknown): number | undefined {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return undefined;
  return Math.min(Math.max(seconds, 0), MAX_LIFETIME_SECONDS);
}

/** Seconds after which a token is due: less than 60 s, or than a quarter of its lifetime, is left. */
export function renewAfterSeconds(lifetime: number | undefined): number | undefined {
  return lifetime === undefined ? undefined : lifetime - Math.min(MARGIN_SECONDS, lifetime / 4);
}

/** Seconds until a token expires, after `passed` seconds of its lifetime. Undefined if no time is left. */
export function expiresInSeconds(lifetime: number | undefined, passed = 0): number | undefined {
  return lifetime === undefined || lifetime <= passed ? undefined : lifetime - passed;
}
