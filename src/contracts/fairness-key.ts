import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';

/** What Temporal takes. */
const MAX_BYTES = 64;

/** Of a user: one user's thousand steps must not make another's one wait. */
export function fairnessKey(userId: string): string {
  const bytes = utf8ToBytes(userId);
  return bytes.length <= MAX_BYTES ? userId : base64urlnopad.encode(sha256(bytes));
}
