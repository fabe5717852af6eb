import { isDeepStrictEqual } from 'node:util';
import type { Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose';
import { KEY_ID, type KeyRing } from '../vault/key-ring.ts';

export type OpenPayloadOutcome =
  | { kind: 'opened'; payload: Payload }
  /** In clear, or in another's encoding. */
  | { kind: 'not-sealed' }
  /** The ring lacks the key, which may be on its way. */
  | { kind: 'key-missing'; kid: string }
  /** Wrong key bytes, or tampered with. */
  | { kind: 'undecryptable' };

/** Encrypts payloads whole, with their metadata: the server learns their length and the key's id. */
export interface PayloadCipher {
  /** Seals under the ring's first key. */
  seal(payload: Payload): Promise<Payload>;
  /** Throws for no payload whatever. */
  open(payload: Payload): Promise<OpenPayloadOutcome>;
}

const ENCODING = 'binary/encrypted';
const ALG = 'A256KW';
const ENC = 'A256GCM';
// A wrapped key of 40 bytes, an initialization vector of 12, a tag of 16.
const COMPACT_JWE = /^[\w-]+\.[\w-]{54}\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/;

// The header was compared as a whole before; jose is told once more, as in the vault.
const DECRYPT_OPTIONS = {
  keyManagementAlgorithms: [ALG],
  contentEncryptionAlgorithms: [ENC],
  maxDecompressedLength: 0,
};

/**
 * A cipher whose ciphertexts are compact JWEs. Nothing binds them to a workflow: who decodes for Temporal's UI and
 * CLI is not told which one a payload is of.
 *
 * @see RFC 7516 §3.1 (compact serialization), RFC 7518 §4.4 (A256KW) and §5.3 (A256GCM)
 */
export function createPayloadCipher(keyRing: KeyRing): PayloadCipher {
  return {
    seal: (payload) => seal(keyRing, payload),
    open: (payload) => open(keyRing, payload),
  };
}

/** The id of the key that a payload says it was sealed under; undefined where it was not sealed by us. */
export function sealedUnder({ metadata, data }: Payload): string | undefined {
  if (!metadata?.encoding || !data || textOf(metadata.encoding) !== ENCODING) return undefined;
  const jwe = textOf(data);
  return COMPACT_JWE.test(jwe) ? kidOf(jwe) : undefined;
}

async function seal(keyRing: KeyRing, payload: Payload): Promise<Payload> {
  const kid = keyRing.primaryKid;
  const key = await keyRing.wrappingKey(kid);
  if (key === undefined) throw new Error('payload cipher: the key ring lacks its own first key');
  const jwe = await new CompactEncrypt(proto.temporal.api.common.v1.Payload.encode(payload).finish())
    .setProtectedHeader(protectedHeader(kid))
    .encrypt(key);
  return {
    // The id is there for people; what is believed is the protected header.
    metadata: { encoding: Buffer.from(ENCODING), 'encryption-key-id': Buffer.from(kid) },
    data: Buffer.from(jwe),
  };
}

async function open(keyRing: KeyRing, payload: Payload): Promise<OpenPayloadOutcome> {
  const kid = sealedUnder(payload);
  if (kid === undefined || !payload.data) return { kind: 'not-sealed' };
  const key = await keyRing.wrappingKey(kid);
  if (key === undefined) return { kind: 'key-missing', kid };
  try {
    const { plaintext } = await compactDecrypt(payload.data, key, DECRYPT_OPTIONS);
    return { kind: 'opened', payload: { ...proto.temporal.api.common.v1.Payload.decode(plaintext) } };
  } catch (error) {
    // What could be decrypted was sealed by us, and is a payload. Anything else is a bug or a broken runtime.
    if (error instanceof errors.JOSEError) return { kind: 'undecryptable' };
    throw error;
  }
}

/** The purpose keeps it apart from what the vault seals, should the two rings share a key. */
function protectedHeader(kid: string) {
  return { alg: ALG, enc: ENC, kid, lk: { purpose: 'payload' } };
}

function kidOf(jwe: string): string | undefined {
  const header = readHeader(jwe);
  const kid = header?.kid;
  if (typeof kid !== 'string' || !KEY_ID.test(kid)) return undefined;
  return isDeepStrictEqual(header, protectedHeader(kid)) ? kid : undefined;
}

function readHeader(jwe: string): Record<string, unknown> | undefined {
  try {
    return { ...decodeProtectedHeader(jwe) };
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
