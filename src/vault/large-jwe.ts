/**
 * Makes and opens compact JWEs (`A256KW`, `A256GCM`) with content of any size, and yields after each piece. `jose` works
 * in one piece and converts to base64url in JavaScript, which blocks the event loop, and so heartbeats, for half a second
 * for 10 MiB. Each opens what the other has made.
 *
 * @see RFC 7516 §5 (encryption and decryption), §3.1 (compact serialization), RFC 7518 §4.4 and §5.3
 */
import { createCipheriv, createDecipheriv, randomBytes, webcrypto } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';

const CIPHER = 'aes-256-gcm';
/** WebCrypto's names of the cipher and of the algorithm that wraps its key. */
const CONTENT_ALGORITHM = 'AES-GCM';
const WRAPPING_ALGORITHM = 'AES-KW';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** The bytes of one piece. Divisible by 3, so that its base64url has no padding and the pieces can be joined. */
const PIECE_BYTES = 3 * 32 * 1024;
const PIECE_LENGTH = (PIECE_BYTES / 3) * 4;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** Encrypts under a new key, which `wrappingKey` wraps. The header must name the algorithms of this file. */
export async function encryptInPieces(
  header: object,
  wrappingKey: webcrypto.CryptoKey,
  content: Uint8Array,
): Promise<Generator<void, string>> {
  const key = randomBytes(KEY_BYTES);
  const imported = await webcrypto.subtle.importKey('raw', key, CONTENT_ALGORITHM, true, ['encrypt']);
  const wrapped = await webcrypto.subtle.wrapKey('raw', imported, wrappingKey, WRAPPING_ALGORITHM);
  return encrypt(
    base64url(Buffer.from(JSON.stringify(header))),
    { key, wrapped: Buffer.from(wrapped) },
    content,
  );
}

function* encrypt(
  header: string,
  { key, wrapped }: { key: Buffer; wrapped: Buffer },
  content: Uint8Array,
): Generator<void, string> {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(header));
  let ciphertext = '';
  for (let at = 0; at < content.length; at += PIECE_BYTES) {
    ciphertext += base64url(cipher.update(content.subarray(at, at + PIECE_BYTES)));
    yield;
  }
  cipher.final();
  return [header, base64url(wrapped), base64url(iv), ciphertext, base64url(cipher.getAuthTag())].join('.');
}

/**
 * Decrypts a JWE of `encryptInPieces` or `jose` to text in UTF-8. Returns undefined if `wrappingKey` does not open it. The
 * caller must have checked the header.
 */
export async function decryptInPieces(
  jwe: string,
  wrappingKey: webcrypto.CryptoKey,
): Promise<Generator<void, string | undefined>> {
  const [header = '', wrapped = '', iv = '', ciphertext = '', tag = '', ...more] = jwe.split('.');
  const key = more.length === 0 ? await unwrap(wrapped, wrappingKey) : undefined;
  return decrypt({ header, key, iv: bytesOf(iv), ciphertext, tag: bytesOf(tag) });
}

interface Sealed {
  header: string;
  key: Buffer | undefined;
  iv: Buffer | undefined;
  ciphertext: string;
  tag: Buffer | undefined;
}

function* decrypt({ header, key, iv, ciphertext, tag }: Sealed): Generator<void, string | undefined> {
  if (key?.length !== KEY_BYTES || iv?.length !== IV_BYTES || tag?.length !== TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, iv).setAAD(Buffer.from(header)).setAuthTag(tag);
  const decoder = new StringDecoder('utf8');
  let plaintext = '';
  for (let at = 0; at < ciphertext.length; at += PIECE_LENGTH) {
    const bytes = bytesOf(ciphertext.slice(at, at + PIECE_LENGTH));
    if (bytes === undefined) return undefined;
    plaintext += decoder.write(decipher.update(bytes));
    yield;
  }
  // No part of the plaintext is returned before the tag is checked.
  return isAuthentic(() => decipher.final()) ? plaintext + decoder.end() : undefined;
}

function isAuthentic(checkTag: () => unknown): boolean {
  try {
    checkTag();
    return true;
  } catch {
    return false;
  }
}

async function unwrap(wrapped: string, wrappingKey: webcrypto.CryptoKey): Promise<Buffer | undefined> {
  const bytes = bytesOf(wrapped);
  if (bytes === undefined) return undefined;
  const { subtle } = webcrypto;
  const key = await subtle
    .unwrapKey('raw', bytes, wrappingKey, WRAPPING_ALGORITHM, CONTENT_ALGORITHM, true, ['decrypt'])
    // It was wrapped by another key, or is not a wrapped key.
    .catch(() => undefined);
  return key && Buffer.from(await subtle.exportKey('raw', key));
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function bytesOf(text: string): Buffer | undefined {
  return BASE64URL.test(text) ? Buffer.from(text, 'base64url') : undefined;
}
