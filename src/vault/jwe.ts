/**
 * Makes and opens compact JWEs (`A256KW`, `A256GCM`), at once or in pieces. Any library of JWE opens them, and they open
 * what `jose` has made; `jose` itself takes several times the CPU for a token, and half a second without a pause for 10 MiB.
 *
 * @see RFC 7516 §5 (encryption and decryption), §3.1 (compact serialization), RFC 7518 §4.4 and §5.3
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { finish } from '../async/finish.ts';
import { isObject } from '../contracts/is-object.ts';
import type { WrappingKey } from './wrapping-key.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** A key and the eight bytes that show that it is intact. RFC 3394 §2.2.1. */
const WRAPPED_KEY_BYTES = KEY_BYTES + 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** The bytes of one piece. Divisible by 3, so that its base64url has no padding and the pieces can be joined. */
const PIECE_BYTES = 3 * 32 * 1024;
const PIECE_LENGTH = (PIECE_BYTES / 3) * 4;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** Encrypts at once. The header must name the algorithms of this file. */
export function encrypt(header: object, wrappingKey: WrappingKey, content: Uint8Array): string {
  return finish(encryptInPieces(header, wrappingKey, content));
}

/** Encrypts under a new key, which `wrappingKey` wraps. Yields after each piece. */
export function* encryptInPieces(
  header: object,
  wrappingKey: WrappingKey,
  content: Uint8Array,
): Generator<void, string> {
  const protectedHeader = base64url(Buffer.from(JSON.stringify(header)));
  const key = randomBytes(KEY_BYTES);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(protectedHeader));
  let ciphertext = '';
  for (let at = 0; at < content.length; at += PIECE_BYTES) {
    ciphertext += base64url(cipher.update(content.subarray(at, at + PIECE_BYTES)));
    yield;
  }
  cipher.final();
  const wrapped = base64url(wrappingKey.wrap(key));
  return [protectedHeader, wrapped, base64url(iv), ciphertext, base64url(cipher.getAuthTag())].join('.');
}

/** Decrypts at once. Returns undefined if `wrappingKey` does not open it. The caller must have checked the header. */
export function decrypt(jwe: string, wrappingKey: WrappingKey): Buffer | undefined {
  const pieces: Buffer[] = [];
  const isAuthentic = finish(decryptTo(jwe, wrappingKey, (piece) => pieces.push(piece)));
  return isAuthentic ? joined(pieces) : undefined;
}

/** Like `decrypt`, to text in UTF-8: yields after each piece. */
export function* decryptInPieces(jwe: string, wrappingKey: WrappingKey): Generator<void, string | undefined> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  const isAuthentic = yield* decryptTo(jwe, wrappingKey, (piece) => {
    text += decoder.write(piece);
  });
  return isAuthentic ? text + decoder.end() : undefined;
}

/** Returns the protected header of a text of five parts, or undefined if it has none. Nothing else is checked. */
export function headerOf(jwe: string): Record<string, unknown> | undefined {
  try {
    const [encoded = '', ...others] = jwe.split('.');
    if (others.length !== 4) return undefined;
    const header: unknown = JSON.parse(bytesOf(encoded)?.toString() ?? '');
    return isObject(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether the pieces are authentic. Until then the caller must not use them. */
function* decryptTo(
  jwe: string,
  wrappingKey: WrappingKey,
  take: (piece: Buffer) => void,
): Generator<void, boolean> {
  const [header = '', wrapped = '', encodedIv = '', ciphertext = '', encodedTag = '', ...more] =
    jwe.split('.');
  const wrappedKey = bytesOf(wrapped);
  const [iv, tag] = [bytesOf(encodedIv), bytesOf(encodedTag)];
  if (wrappedKey?.length !== WRAPPED_KEY_BYTES || iv?.length !== IV_BYTES || tag?.length !== TAG_BYTES)
    return false;
  const key = more.length === 0 ? wrappingKey.unwrap(wrappedKey) : undefined;
  if (key === undefined) return false;
  const decipher = createDecipheriv(CIPHER, key, iv).setAAD(Buffer.from(header)).setAuthTag(tag);
  for (let at = 0; at < ciphertext.length; at += PIECE_LENGTH) {
    const bytes = bytesOf(ciphertext.slice(at, at + PIECE_LENGTH));
    if (bytes === undefined) return false;
    take(decipher.update(bytes));
    yield;
  }
  return isIntact(() => decipher.final());
}

function isIntact(checkTag: () => unknown): boolean {
  try {
    checkTag();
    return true;
  } catch {
    return false;
  }
}

// Short Buffers share memory, and if one of them is sent to another thread, all of that memory is sent. A piece has memory
// of its own. `Buffer.concat` would copy a single short piece into the shared memory; several pieces are too long for it.
function joined(pieces: readonly Buffer[]): Buffer {
  const [first, ...others] = pieces;
  return first !== undefined && others.length === 0 ? first : Buffer.concat(pieces);
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function bytesOf(text: string): Buffer | undefined {
  // A single character after groups of four stands for no byte. RFC 4648 §4.
  return BASE64URL.test(text) && text.length % 4 !== 1 ? Buffer.from(text, 'base64url') : undefined;
}
