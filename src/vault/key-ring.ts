import { createHmac, hkdfSync } from 'node:crypto';
import { accountMember } from '../contracts/accounts.ts';
import { createWrappingKey, type WrappingKey } from './wrapping-key.ts';

/** One key of a ring: 32 bytes for AES-256, and an id that every ciphertext names as its `kid`. */
export interface RingKey {
  id: string;
  bytes: Uint8Array;
}

/** The form of a key's id, which is safe in a header, a log line and a fingerprint. */
export const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The user, server and account that a value belongs to. A server's own secrets have no user. */
export interface SecretBinding {
  userId?: string;
  mcpServerId: string;
  /** Absent: `default`. */
  account?: string;
}

/**
 * The HMAC key of one encryption key's fingerprints. It is derived from that key, which can't be computed from it.
 */
export interface FingerprintKey {
  kid: string;
  bytes: Uint8Array;
}

/** An ordered list of keys. The first key encrypts, all keys decrypt. No encryption key can be read from it. */
export interface KeyRing {
  /** The key that encrypts. */
  readonly primaryKid: string;
  readonly kids: readonly string[];
  /** Undefined if the ring lacks the key. */
  wrappingKey(kid: string): WrappingKey | undefined;
  /**
   * Returns a keyed hash that identifies a value without storing it: `<kid>.<base64url HMAC-SHA256>` under the first
   * key. The same value of another user, server or account has another fingerprint.
   */
  fingerprint(value: string, binding: SecretBinding): string;
  /**
   * The fingerprint key of every key, in the ring's order. Older fingerprints are still compared after a rotation.
   */
  readonly fingerprintKeys: readonly FingerprintKey[];
}

const KEY_BYTES = 32;
const FINGERPRINT_INFO = 'latchkey/refresh-token-fingerprint';

/**
 * A stored value is sealed under a key that this process lacks. The operator must configure it, or it is rolling out.
 */
export class EncryptionKeyMissing extends Error {
  readonly kid: string;

  constructor(kid: string) {
    super(`encryption key ${kid} is not configured`);
    this.name = 'EncryptionKeyMissing';
    this.kid = kid;
  }
}

/** @throws RangeError for an empty ring, a repeated id or a key of another size, which the configuration rules out */
export function createKeyRing(keys: readonly RingKey[]): KeyRing {
  const entries = keys.map(ringEntry);
  const byKid = new Map(entries.map((entry) => [entry.kid, entry]));
  const [primary] = entries;
  if (primary === undefined) throw new RangeError('key ring: no key');
  if (byKid.size < entries.length) throw new RangeError('key ring: two keys have the same id');
  return {
    primaryKid: primary.kid,
    kids: entries.map((entry) => entry.kid),
    wrappingKey: (kid) => byKid.get(kid)?.wrappingKey,
    fingerprint: (value, binding) => fingerprintUnder(primary.fingerprintKey, value, binding),
    fingerprintKeys: entries.map((entry) => entry.fingerprintKey),
  };
}

/** Like `KeyRing.fingerprint`, but under the given key. Rows from before a rotation have such fingerprints. */
export function fingerprintUnder(
  { kid, bytes }: FingerprintKey,
  value: string,
  binding: SecretBinding,
): string {
  // JSON separates the parts and distinguishes a missing user from every user id. Only another account than `default`
  // is a part, so that fingerprints from before there were accounts stay valid.
  const account = accountMember(binding.account).account ?? [];
  const bound = JSON.stringify([binding.userId ?? null, binding.mcpServerId, account, value].flat());
  return `${kid}.${createHmac('sha256', bytes).update(bound).digest('base64url')}`;
}

/** Returns the id of the key that a fingerprint was made with. */
export function kidOfFingerprint(fingerprint: string): string {
  // A key's id may contain dots. base64url does not.
  return fingerprint.slice(0, fingerprint.lastIndexOf('.'));
}

interface RingEntry {
  kid: string;
  wrappingKey: WrappingKey;
  fingerprintKey: FingerprintKey;
}

function ringEntry({ id, bytes }: RingKey): RingEntry {
  if (bytes.byteLength !== KEY_BYTES) throw new RangeError(`key ring: a key is not ${KEY_BYTES} bytes long`);
  return {
    kid: id,
    wrappingKey: createWrappingKey(bytes),
    fingerprintKey: { kid: id, bytes: deriveFingerprintKey(bytes) },
  };
}

/** Derives a key for this purpose, so that no fingerprint is computed with the encryption key. RFC 5869. */
function deriveFingerprintKey(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', bytes, new Uint8Array(), FINGERPRINT_INFO, KEY_BYTES));
}
