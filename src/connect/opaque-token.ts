import { createOpaqueToken, hashOpaqueToken } from '../vault/opaque-token.ts';

/** Returns a new token for a link or for `state`. The database holds only its hash. */
export const newOpaqueToken = createOpaqueToken;

/** Returns the SHA-256 of a token in base64url. */
export function hashOf(token: string): string {
  return hashOpaqueToken(token).toString('base64url');
}
