import { createHash, randomBytes } from 'node:crypto';

/** 256 bits. RFC 6749 §10.10 asks for 128 at least. */
const BYTES = 32;

/** Creates a token that can't be guessed, in base64url: for a cookie, a link or `state`. */
export function createOpaqueToken(): string {
  return randomBytes(BYTES).toString('base64url');
}

/**
 * Returns the SHA-256 of a token. The database stores only this, so a leaked database contains no usable session id or
 * link. The token is random, so the hash needs no key.
 */
export function hashOpaqueToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
