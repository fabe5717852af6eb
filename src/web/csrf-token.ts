import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { FingerprintKey } from '../vault/key-ring.ts';

/** HMAC keys. The first one signs; every one verifies. */
export type CsrfKeys = readonly Uint8Array[];

const INFO = 'latchkey/csrf-token';

/** Derives the keys from the fingerprint keys, which every process of a deployment shares. RFC 5869. */
export function csrfKeys(keys: readonly FingerprintKey[]): CsrfKeys {
  return keys.map(({ bytes }) => new Uint8Array(hkdfSync('sha256', bytes, new Uint8Array(), INFO, 32)));
}

/**
 * The token of a browser's forms: a keyed hash of what only that browser sends, its cookies. A page of another site can
 * make the browser send them, but can't compute or read the token.
 *
 * @param boundTo the browser, and its session if there is one: a token from before the sign-in is of no use after it
 */
export function createCsrfToken([key]: CsrfKeys, boundTo: readonly string[]): string {
  if (key === undefined) throw new RangeError('csrf token: no key');
  return sign(key, boundTo).toString('base64url');
}

/** Also accepts tokens of older keys, so that forms stay valid while the keys are rotated. */
export function isCsrfToken(keys: CsrfKeys, boundTo: readonly string[], token: unknown): boolean {
  if (typeof token !== 'string') return false;
  const given = Buffer.from(token, 'base64url');
  return keys.some((key) => {
    const expected = sign(key, boundTo);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function sign(key: Uint8Array, boundTo: readonly string[]): Buffer {
  // JSON separates the parts.
  return createHmac('sha256', key).update(JSON.stringify(boundTo)).digest();
}
