import type { webcrypto } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose';
import { KEY_ID, type KeyRing, type SecretBinding } from './key-ring.ts';
import { decryptInSteps, encryptInSteps } from './large-jwe.ts';

/** What a ciphertext is for. One sealed for one purpose does not open for another. */
export type VaultPurpose =
  /** Refresh token, client and endpoint of a user's connection. */
  | 'grant'
  | 'access-token'
  /** Client secret, static token or headers that an admin registered. */
  | 'server-secret'
  /** A tool result too large for history. */
  | 'result'
  /** What makes the fingerprints of one key. */
  | 'fingerprint-key';

/** What a ciphertext is bound to; it opens for nothing else. */
export type SealBinding = SecretBinding | { fingerprintKid: string };

export type OpenOutcome =
  | { kind: 'opened'; plaintext: string }
  /** The ring lacks the key: the operator's fault, nothing is wrong with the secret. */
  | { kind: 'key-missing'; kid: string }
  /** Wrong key bytes, tampered with, sealed for another purpose, user or server, or no JWE of ours at all. */
  | { kind: 'undecryptable' };

/** What stands in the place of a text that its operator has given up: it opens for nobody, as any that is none of ours. */
export const GIVEN_UP = 'given-up';

/** Encrypts what must not stand in clear in the database. */
export interface Vault {
  /** Seals under the ring's first key. An object is sealed as its JSON. */
  seal(purpose: VaultPurpose, binding: SealBinding, plaintext: string | object): Promise<string>;
  /** Opens what `seal` made for this very purpose, user and server. Throws for no stored text whatever. */
  open(purpose: VaultPurpose, binding: SealBinding, jwe: string): Promise<OpenOutcome>;
  /** Seals as `seal` does, in steps: for content that is large. */
  sealInSteps(
    purpose: VaultPurpose,
    binding: SealBinding,
    content: Uint8Array,
  ): Promise<Generator<void, string>>;
  /** Opens as `open` does, in steps. Each opens what is sealed by either. */
  openInSteps(
    purpose: VaultPurpose,
    binding: SealBinding,
    jwe: string,
  ): Promise<Generator<void, OpenOutcome>>;
}

const ALG = 'A256KW';
const ENC = 'A256GCM';

// The header is compared as a whole beforehand; jose is told the same once more, so that neither a laxer
// comparison nor a new default of the library lets in an algorithm that costs work (PBES2) or needs no key
// unwrapping (dir). 0 refuses compressed plaintexts.
const DECRYPT_OPTIONS = {
  keyManagementAlgorithms: [ALG],
  contentEncryptionAlgorithms: [ENC],
  maxDecompressedLength: 0,
};

/**
 * A vault of compact JWEs.
 *
 * @see RFC 7516 §3.1 (compact serialization), RFC 7518 §4.4 (A256KW) and §5.3 (A256GCM)
 */
export function createVault(keyRing: KeyRing): Vault {
  return {
    seal: (purpose, binding, plaintext) => seal(keyRing, purpose, binding, plaintext),
    open: async (purpose, binding, jwe) => {
      const found = await findKey(keyRing, purpose, binding, jwe);
      return found.kind === 'found' ? decrypt(jwe, found.key) : found;
    },
    sealInSteps: async (purpose, binding, content) => {
      const { kid, key } = await primaryKey(keyRing);
      return encryptInSteps(protectedHeader(kid, purpose, binding), key, content);
    },
    openInSteps: async (purpose, binding, jwe) =>
      openInSteps(jwe, await findKey(keyRing, purpose, binding, jwe)),
  };
}

/** The id of the key that a text was sealed under, as the text itself claims; undefined where it is none of ours. */
export function kidOf(jwe: string): string | undefined {
  return kidIn(readHeader(jwe));
}

async function seal(
  keyRing: KeyRing,
  purpose: VaultPurpose,
  binding: SealBinding,
  plaintext: string | object,
): Promise<string> {
  const text = typeof plaintext === 'string' ? plaintext : JSON.stringify(plaintext);
  const { kid, key } = await primaryKey(keyRing);
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader(protectedHeader(kid, purpose, binding))
    .encrypt(key);
}

async function primaryKey({ primaryKid, wrappingKey }: KeyRing) {
  const key = await wrappingKey(primaryKid);
  if (key === undefined) throw new Error('vault: the key ring lacks its own first key');
  return { kid: primaryKid, key };
}

type FoundKey = { kind: 'found'; key: webcrypto.CryptoKey } | Exclude<OpenOutcome, { kind: 'opened' }>;

/** The key of a text that was sealed for just this, as the text itself claims. */
async function findKey(
  keyRing: KeyRing,
  purpose: VaultPurpose,
  binding: SealBinding,
  jwe: string,
): Promise<FoundKey> {
  const header = readHeader(jwe);
  const kid = kidIn(header);
  if (kid === undefined || !isDeepStrictEqual(header, protectedHeader(kid, purpose, binding))) {
    return { kind: 'undecryptable' };
  }
  const key = await keyRing.wrappingKey(kid);
  return key === undefined ? { kind: 'key-missing', kid } : { kind: 'found', key };
}

async function openInSteps(jwe: string, found: FoundKey): Promise<Generator<void, OpenOutcome>> {
  const plaintext = found.kind === 'found' ? await decryptInSteps(jwe, found.key) : undefined;
  return (function* () {
    if (found.kind !== 'found') return found;
    const text = plaintext && (yield* plaintext);
    return text === undefined ? { kind: 'undecryptable' } : { kind: 'opened', plaintext: text };
  })();
}

async function decrypt(jwe: string, key: webcrypto.CryptoKey): Promise<OpenOutcome> {
  try {
    const { plaintext } = await compactDecrypt(jwe, key, DECRYPT_OPTIONS);
    return { kind: 'opened', plaintext: decodeUtf8(plaintext) };
  } catch (error) {
    // Anything else is a bug or a broken runtime: no reason to ask the user for consent again.
    if (error instanceof errors.JOSEError) return { kind: 'undecryptable' };
    throw error;
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  // By default a leading byte order mark would be dropped: the text would not be the one that was sealed.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The whole header that a text of ours has. Authenticated as the AAD of A256GCM (RFC 7516 §5.1, step 14). */
// The order is relied on: the database reads the key's id off the beginning (function `jwe_kid`).
function protectedHeader(kid: string, purpose: VaultPurpose, binding: SealBinding) {
  return { alg: ALG, enc: ENC, kid, lk: { purpose, ...boundTo(binding) } };
}

// Field by field: a binding may come in an object that holds more.
function boundTo(binding: SealBinding) {
  if ('fingerprintKid' in binding) return { fingerprintKid: binding.fingerprintKid };
  const { userId, mcpServerId } = binding;
  return { ...(userId === undefined ? {} : { userId }), mcpServerId };
}

function kidIn(header: Record<string, unknown> | undefined): string | undefined {
  const kid = header?.kid;
  return typeof kid === 'string' && KEY_ID.test(kid) ? kid : undefined;
}

function readHeader(jwe: string): Record<string, unknown> | undefined {
  try {
    return { ...decodeProtectedHeader(jwe) };
  } catch {
    return undefined;
  }
}
