import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { FingerprintKey } from '../vault/key-ring.ts';
import { InvalidCursor } from './step-client.ts';

/** AES-256-GCM keys: the first seals, all open. */
export type CursorKeys = readonly [Uint8Array, ...Uint8Array[]];

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const INFO = 'latchkey/list-cursor';

/** Every process of a deployment has the same. */
export function cursorKeys(keys: readonly FingerprintKey[]): CursorKeys {
  const [first, ...more] = keys.map(({ bytes }) => derive(bytes));
  return first === undefined ? UNKEYED : [first, ...more];
}

/** For a program's own Temporal client: cursors hold together, and everybody can make one. */
export const UNKEYED: CursorKeys = [derive(new Uint8Array())];

/**
 * A page token of Temporal as a cursor of one list. Sealed: the token names an execution, which may be another
 * user's; and one that Temporal can't read is answered, depending on the visibility store, by an empty page or by an
 * internal error that the client repeats until its deadline.
 *
 * @param list which list it is of: no other takes the cursor
 */
export function sealCursor([key]: CursorKeys, list: string, token: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(list));
  const sealed = Buffer.concat([nonce, cipher.update(token), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
}

/** @throws InvalidCursor when none of the keys has sealed it for this list */
export function openCursor(keys: CursorKeys, list: string, cursor: string): Uint8Array {
  const sealed = Buffer.from(cursor, 'base64url');
  if (sealed.length <= NONCE_BYTES + TAG_BYTES) throw new InvalidCursor();
  for (const key of keys) {
    const token = open(key, list, sealed);
    if (token !== undefined) return token;
  }
  throw new InvalidCursor();
}

function open(key: Uint8Array, list: string, sealed: Buffer): Uint8Array | undefined {
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(list)).setAuthTag(sealed.subarray(-TAG_BYTES));
  const token = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([token, decipher.final()]);
  } catch {
    return undefined;
  }
}

function derive(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', bytes, new Uint8Array(), INFO, 32));
}
