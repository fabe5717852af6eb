import { createHash, randomBytes } from 'node:crypto';

/** Creates an id that can't be guessed: 32 random bytes in base64url. */
export function createOpaqueId(): string {
  return randomBytes(32).toString('base64url');
}

/** The SHA-256 of an id. The database stores only this, so a leaked database signs nobody in. */
export function hashOpaqueId(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}
