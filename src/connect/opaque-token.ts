import { createHash, randomBytes } from 'node:crypto';

/** 256 bits. RFC 6749 §10.10 asks for 128 at least. */
const BYTES = 32;

/** Returns a new token for a link or for `state`. The database holds only its hash. */
export function newOpaqueToken(): string {
  return randomBytes(BYTES).toString('base64url');
}

/** Returns the SHA-256 of a token in base64url. The token is random, so the hash needs no key. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
