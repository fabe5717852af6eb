import { isDeepStrictEqual } from 'node:util';
import { accountMember } from '../contracts/accounts.ts';
import type { KeyMissing } from '../contracts/activities.ts';
import { decrypt, decryptInPieces, encrypt, encryptInPieces, headerOf } from './jwe.ts';
import { KEY_ID, type KeyRing, type SecretBinding } from './key-ring.ts';
import type { WrappingKey } from './wrapping-key.ts';

/** What a ciphertext is for. A text sealed for one purpose does not open for another. */
export type VaultPurpose =
  /** Refresh token, client and endpoint of a user's connection. */
  | 'grant'
  | 'access-token'
  /** Client secret, static token or headers that an admin registered. */
  | 'server-secret'
  /** A tool result too large for history. */
  | 'result'
  /** The HMAC key of one encryption key's fingerprints. */
  | 'fingerprint-key'
  /** An OAuth client that Latchkey registered for a server. */
  | 'client-registration'
  /** What an authorization request needs when its answer comes. */
  | 'authorization'
  /** A consent that is not stored as a connection yet. */
  | 'pending-deposit'
  /** Nonce and PKCE verifier of a browser that is at the OpenID provider. */
  | 'oidc-sign-in';

/**
 * The user, server and account, the key, or the authorization request that a ciphertext belongs to. It opens only with
 * the same binding.
 */
export type SealBinding = SecretBinding | { fingerprintKid: string } | { stateHash: string };

export type OpenOutcome =
  | { kind: 'opened'; plaintext: string }
  /** The ring lacks the key. The operator must configure it; the secret itself is intact. */
  | KeyMissing
  /** Wrong key bytes, tampered with, another purpose, user, server or account, or not a JWE of this vault. */
  | { kind: 'undecryptable' };

/** Stored in place of a text that the operator has given up. It is undecryptable, because it is not a JWE. */
export const GIVEN_UP = 'given-up';

/** Encrypts secrets for the database. */
export interface Vault {
  /** Seals under the ring's first key. An object is sealed as its JSON. */
  seal(purpose: VaultPurpose, binding: SealBinding, plaintext: string | object): Promise<string>;
  /** Opens a text that was sealed with the same purpose and binding. Never throws because of the stored text. */
  open(purpose: VaultPurpose, binding: SealBinding, jwe: string): Promise<OpenOutcome>;
  /** Like `seal`, for large content: yields after each piece. */
  sealInPieces(
    purpose: VaultPurpose,
    binding: SealBinding,
    content: Uint8Array,
  ): Promise<Generator<void, string>>;
  /** Like `open`, for large content: yields after each piece. Both open the texts of `seal` and `sealInPieces`. */
  openInPieces(
    purpose: VaultPurpose,
    binding: SealBinding,
    jwe: string,
  ): Promise<Generator<void, OpenOutcome>>;
}

const ALG = 'A256KW';
const ENC = 'A256GCM';

/**
 * Creates a vault whose ciphertexts are compact JWEs.
 *
 * @see RFC 7516 §3.1 (compact serialization), RFC 7518 §4.4 (A256KW) and §5.3 (A256GCM)
 */
export function createVault(keyRing: KeyRing): Vault {
  return {
    async seal(purpose, binding, plaintext) {
      const { kid, key } = primaryKey(keyRing);
      return encrypt(protectedHeader(kid, purpose, binding), key, contentOf(plaintext));
    },
    async open(purpose, binding, jwe) {
      const found = findKey(keyRing, purpose, binding, jwe);
      return found.kind === 'found' ? outcomeOf(decrypt(jwe, found.key)?.toString()) : found;
    },
    async sealInPieces(purpose, binding, content) {
      const { kid, key } = primaryKey(keyRing);
      return encryptInPieces(protectedHeader(kid, purpose, binding), key, content);
    },
    openInPieces: async (purpose, binding, jwe) => openInPieces(jwe, findKey(keyRing, purpose, binding, jwe)),
  };
}

/** Returns the id of the key that a text says it was sealed under, or undefined if it is not from this vault. */
export function kidOf(jwe: string): string | undefined {
  return kidIn(headerOf(jwe));
}

// Not `Buffer.from`: a short Buffer shares its memory with others.
function contentOf(plaintext: string | object): Uint8Array {
  return new TextEncoder().encode(typeof plaintext === 'string' ? plaintext : JSON.stringify(plaintext));
}

function primaryKey({ primaryKid, wrappingKey }: KeyRing) {
  const key = wrappingKey(primaryKid);
  if (key === undefined) throw new Error('vault: the key ring lacks its own first key');
  return { kid: primaryKid, key };
}

type FoundKey = { kind: 'found'; key: WrappingKey } | Exclude<OpenOutcome, { kind: 'opened' }>;

/** Finds the key of a text. The text's header must name this purpose and binding. */
function findKey(keyRing: KeyRing, purpose: VaultPurpose, binding: SealBinding, jwe: string): FoundKey {
  const header = headerOf(jwe);
  const kid = kidIn(header);
  if (kid === undefined || !isDeepStrictEqual(header, protectedHeader(kid, purpose, binding))) {
    return { kind: 'undecryptable' };
  }
  const key = keyRing.wrappingKey(kid);
  return key === undefined ? { kind: 'key-missing', kid } : { kind: 'found', key };
}

function* openInPieces(jwe: string, found: FoundKey): Generator<void, OpenOutcome> {
  return found.kind === 'found' ? outcomeOf(yield* decryptInPieces(jwe, found.key)) : found;
}

function outcomeOf(plaintext: string | undefined): OpenOutcome {
  return plaintext === undefined ? { kind: 'undecryptable' } : { kind: 'opened', plaintext };
}

/** Returns the complete header of a text. It is authenticated as the AAD of A256GCM (RFC 7516 §5.1, step 14). */
// The order matters: the database reads the key's id from the beginning of the text (function `jwe_kid`).
function protectedHeader(kid: string, purpose: VaultPurpose, binding: SealBinding) {
  return { alg: ALG, enc: ENC, kid, lk: { purpose, ...boundTo(binding) } };
}

// Copies the fields by name, because a binding may be an object with further fields.
function boundTo(binding: SealBinding) {
  if ('fingerprintKid' in binding) return { fingerprintKid: binding.fingerprintKid };
  if ('stateHash' in binding) return { stateHash: binding.stateHash };
  const { userId, mcpServerId, account } = binding;
  // Texts from before there were accounts name none, and open as those of the account `default`.
  return { ...(userId === undefined ? {} : { userId }), mcpServerId, ...accountMember(account) };
}

function kidIn(header: Record<string, unknown> | undefined): string | undefined {
  const kid = header?.kid;
  return typeof kid === 'string' && KEY_ID.test(kid) ? kid : undefined;
}
