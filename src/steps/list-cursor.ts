import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { FingerprintKey } from '../vault/key-ring.ts';

/** The cursor was not given out for this list. */
export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is not one of this list');
    this.name = 'InvalidCursor';
  }
}

/** AES-256-GCM keys. The first one seals; every one opens. */
export type CursorKeys = readonly [Uint8Array, ...Uint8Array[]];

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const INFO = 'latchkey/list-cursor';

/** Derives the keys from the fingerprint keys, which every process of a deployment shares. */
export function cursorKeys(keys: readonly FingerprintKey[]): CursorKeys {
  const [first, ...more] = keys.map(({ bytes }) => derive(bytes));
  return first === undefined ? UNKEYED : [first, ...more];
}

/** The key of a program that uses its own Temporal client. It is not secret: it only detects damage. */
export const UNKEYED: CursorKeys = [derive(new Uint8Array())];

/**
 * Turns a page token of Temporal into the cursor of one list. The token is sealed for two reasons. It names an
 * execution, which may be another user's. And a token that Temporal can't read leads, depending on the visibility
 * store, to an empty page or to an internal error that the client repeats until its deadline.
 *
 * @param list the list that the cursor is for; other lists reject it
 */
export function sealCursor([key]: CursorKeys, list: string, token: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(list));
  const sealed = Buffer.concat([nonce, cipher.update(token), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
}

/** @throws InvalidCursor when none of the keys sealed it for this list */
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
