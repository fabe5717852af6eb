import { createHmac, hkdfSync, type webcrypto } from 'node:crypto';

/** One key of a ring: 32 bytes of AES-256 under an id that every ciphertext repeats as its `kid`. */
export interface RingKey {
  id: string;
  bytes: Uint8Array;
}

/** What a key's id looks like: safe in a header, a log line and a fingerprint. */
export const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Whose value it is. A server's own secrets have no user. */
export interface SecretBinding {
  userId?: string;
  mcpServerId: string;
}

/** What makes the fingerprints of one key: derived from it, and nothing that leads back to it. */
export interface FingerprintKey {
  kid: string;
  bytes: Uint8Array;
}

/** A list of keys by age of promotion: the first encrypts, all decrypt. Holds no readable encryption key. */
export interface KeyRing {
  /** The key that encrypts. */
  readonly primaryKid: string;
  readonly kids: readonly string[];
  /** For A256KW alone; imported once a ring. Undefined where the ring lacks the key. */
  wrappingKey(kid: string): Promise<webcrypto.CryptoKey> | undefined;
  /**
   * A keyed hash by which a value is recognised without being stored: `<kid>.<base64url HMAC-SHA256>` under
   * the first key. The same value of another user or server has another fingerprint.
   */
  fingerprint(value: string, binding: SecretBinding): string;
  /** Of every key, the first key's first: fingerprints outlive their key's place in the ring. */
  readonly fingerprintKeys: readonly FingerprintKey[];
}

const KEY_BYTES = 32;
const FINGERPRINT_INFO = 'latchkey/refresh-token-fingerprint';

/** @throws RangeError for an empty ring, a repeated id or a key of another size: the configuration was not checked. */
export function createKeyRing(keys: readonly RingKey[]): KeyRing {
  const entries = keys.map(ringEntry);
  const byKid = new Map(entries.map((entry) => [entry.kid, entry]));
  const [primary] = entries;
  if (primary === undefined) throw new RangeError('key ring: no key');
  if (byKid.size < entries.length) throw new RangeError('key ring: two keys have the same id');
  return {
    primaryKid: primary.kid,
    kids: entries.map((entry) => entry.kid),
    wrappingKey: (kid) => byKid.get(kid)?.wrappingKey(),
    fingerprint: (value, binding) => fingerprintUnder(primary.fingerprintKey, value, binding),
    fingerprintKeys: entries.map((entry) => entry.fingerprintKey),
  };
}

/** As `KeyRing.fingerprint`, under a key of one's choice: what an older row may hold. */
export function fingerprintUnder(
  { kid, bytes }: FingerprintKey,
  value: string,
  binding: SecretBinding,
): string {
  // JSON keeps the three parts apart and a missing user different from any user.
  const bound = JSON.stringify([binding.userId ?? null, binding.mcpServerId, value]);
  return `${kid}.${createHmac('sha256', bytes).update(bound).digest('base64url')}`;
}

/** The id of the key that a fingerprint was made under. */
export function kidOfFingerprint(fingerprint: string): string {
  // A key's id may hold dots, base64url does not.
  return fingerprint.slice(0, fingerprint.lastIndexOf('.'));
}

interface RingEntry {
  kid: string;
  wrappingKey(): Promise<webcrypto.CryptoKey>;
  fingerprintKey: FingerprintKey;
}

function ringEntry({ id, bytes }: RingKey): RingEntry {
  if (bytes.byteLength !== KEY_BYTES) throw new RangeError(`key ring: a key is not ${KEY_BYTES} bytes long`);
  const own = Uint8Array.from(bytes);
  let imported: Promise<webcrypto.CryptoKey> | undefined;
  return {
    kid: id,
    wrappingKey: () => {
      imported ??= importWrappingKey(own);
      return imported;
    },
    fingerprintKey: { kid: id, bytes: deriveFingerprintKey(own) },
  };
}

function importWrappingKey(bytes: Uint8Array<ArrayBuffer>): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, 'AES-KW', false, ['wrapKey', 'unwrapKey']);
}

/** A key of its own purpose, so that a fingerprint never exercises the encryption key. RFC 5869. */
function deriveFingerprintKey(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', bytes, new Uint8Array(), FINGERPRINT_INFO, KEY_BYTES));
}
