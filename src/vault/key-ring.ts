import { createHmac, createSecretKey, hkdfSync, type KeyObject, type webcrypto } from 'node:crypto';

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

/** A list of keys by age of promotion: the first encrypts, all decrypt. Holds no readable key material. */
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
  /** The fingerprints of a value under every key, the first key's first: what an older row may hold. */
  fingerprintsUnderAllKeys(value: string, binding: SecretBinding): string[];
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
    fingerprint: (value, binding) => fingerprintUnder(primary, value, binding),
    fingerprintsUnderAllKeys: (value, binding) =>
      entries.map((entry) => fingerprintUnder(entry, value, binding)),
  };
}

interface RingEntry {
  kid: string;
  wrappingKey(): Promise<webcrypto.CryptoKey>;
  fingerprintKey: KeyObject;
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
    fingerprintKey: deriveFingerprintKey(own),
  };
}

function importWrappingKey(bytes: Uint8Array<ArrayBuffer>): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, 'AES-KW', false, ['wrapKey', 'unwrapKey']);
}

/** A key of its own purpose, so that a fingerprint never exercises the encryption key. RFC 5869. */
function deriveFingerprintKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(
    Buffer.from(hkdfSync('sha256', bytes, new Uint8Array(), FINGERPRINT_INFO, KEY_BYTES)),
  );
}

function fingerprintUnder(entry: RingEntry, value: string, binding: SecretBinding): string {
  // JSON keeps the three parts apart and a missing user different from any user.
  const bound = JSON.stringify([binding.userId ?? null, binding.mcpServerId, value]);
  return `${entry.kid}.${createHmac('sha256', entry.fingerprintKey).update(bound).digest('base64url')}`;
}
