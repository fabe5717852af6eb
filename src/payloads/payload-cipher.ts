import { isDeepStrictEqual } from 'node:util';
import type { Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { KeyMissing } from '../contracts/activities.ts';
import { decrypt, encrypt, headerOf } from '../vault/jwe.ts';
import { KEY_ID, type KeyRing } from '../vault/key-ring.ts';

export type OpenPayloadOutcome =
  | { kind: 'opened'; payload: Payload }
  /** Not encrypted, or encrypted by another codec. */
  | { kind: 'not-sealed' }
  /** The ring lacks the key, which may still be rolling out. */
  | KeyMissing
  /** Wrong key bytes, or tampered with. */
  | { kind: 'undecryptable' };

/** Encrypts whole payloads with their metadata. The Temporal server sees only the length and the key's id. */
export interface PayloadCipher {
  /** Seals under the ring's first key. */
  seal(payload: Payload): Promise<Payload>;
  /** Never throws because of a payload: an undecryptable payload is an outcome. */
  open(payload: Payload): Promise<OpenPayloadOutcome>;
}

const ENCODING = 'binary/encrypted';
const ALG = 'A256KW';
const ENC = 'A256GCM';
// The wrapped key has 40 bytes, the initialization vector 12, the tag 16.
const COMPACT_JWE = /^[\w-]+\.[\w-]{54}\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/;

/**
 * Creates a cipher whose ciphertexts are compact JWEs. They are not bound to a workflow, because Temporal's UI and
 * CLI do not tell a codec server which workflow a payload belongs to.
 *
 * @see RFC 7516 §3.1 (compact serialization), RFC 7518 §4.4 (A256KW) and §5.3 (A256GCM)
 */
export function createPayloadCipher(keyRing: KeyRing): PayloadCipher {
  return {
    seal: (payload) => seal(keyRing, payload),
    open: (payload) => open(keyRing, payload),
  };
}

/** Returns the id of the key that a payload says it was sealed under, or undefined if it is not from this cipher. */
export function sealedUnder(payload: Payload): string | undefined {
  return readSealed(payload)?.kid;
}

function readSealed({ metadata, data }: Payload): { jwe: string; kid: string } | undefined {
  if (!metadata?.encoding || !data || textOf(metadata.encoding) !== ENCODING) return undefined;
  const jwe = textOf(data);
  const kid = COMPACT_JWE.test(jwe) ? kidOf(jwe) : undefined;
  return kid === undefined ? undefined : { jwe, kid };
}

async function seal(keyRing: KeyRing, payload: Payload): Promise<Payload> {
  const kid = keyRing.primaryKid;
  const key = keyRing.wrappingKey(kid);
  if (key === undefined) throw new Error('payload cipher: the key ring lacks its own first key');
  const content = proto.temporal.api.common.v1.Payload.encode(payload).finish();
  return {
    // This copy of the id is for people. Decryption uses the one in the protected header.
    metadata: { encoding: Buffer.from(ENCODING), 'encryption-key-id': Buffer.from(kid) },
    data: Buffer.from(encrypt(protectedHeader(kid), key, content)),
  };
}

async function open(keyRing: KeyRing, payload: Payload): Promise<OpenPayloadOutcome> {
  const sealed = readSealed(payload);
  if (sealed === undefined) return { kind: 'not-sealed' };
  const { jwe, kid } = sealed;
  const key = keyRing.wrappingKey(kid);
  if (key === undefined) return { kind: 'key-missing', kid };
  const plaintext = decrypt(jwe, key);
  if (plaintext === undefined) return { kind: 'undecryptable' };
  // A text that decrypts was sealed by this cipher, so it is a valid payload. From a Buffer, protobuf would make Buffers.
  const decoded = proto.temporal.api.common.v1.Payload.decode(new Uint8Array(plaintext));
  return { kind: 'opened', payload: { ...decoded } };
}

/** The purpose differs from those of the vault, in case the two rings share a key. */
function protectedHeader(kid: string) {
  return { alg: ALG, enc: ENC, kid, lk: { purpose: 'payload' } };
}

function kidOf(jwe: string): string | undefined {
  const header = headerOf(jwe);
  const kid = header?.kid;
  if (typeof kid !== 'string' || !KEY_ID.test(kid)) return undefined;
  return isDeepStrictEqual(header, protectedHeader(kid)) ? kid : undefined;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
