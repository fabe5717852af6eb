import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';

/** Wraps the keys of contents (A256KW). The encryption key itself can't be read from it. */
export interface WrappingKey {
  /** The key of a content has 32 bytes. */
  wrap(contentKey: Uint8Array): Buffer;
  /** Returns undefined if another key wrapped it, or none. */
  unwrap(wrapped: Uint8Array): Buffer | undefined;
}

const CIPHER = 'id-aes256-wrap';
/** The initial value that shows, when a key is unwrapped, that it is intact. RFC 3394 §2.2.3.1. */
const INITIAL_VALUE = Buffer.alloc(8, 0xa6);

/**
 * Node's own ciphers, because WebCrypto does each operation in another thread: for the few bytes of a key that costs
 * more than ten times the CPU.
 *
 * @param bytes 32 bytes, which are copied
 * @see RFC 7518 §4.4 (A256KW), RFC 3394 (AES key wrap)
 */
export function createWrappingKey(bytes: Uint8Array): WrappingKey {
  const key = createSecretKey(bytes);
  return {
    wrap(contentKey) {
      const cipher = createCipheriv(CIPHER, key, INITIAL_VALUE);
      return Buffer.concat([cipher.update(contentKey), cipher.final()]);
    },
    unwrap(wrapped) {
      const decipher = createDecipheriv(CIPHER, key, INITIAL_VALUE);
      try {
        // All of the key comes from `update`; `final` checks nothing more and adds nothing.
        const contentKey = decipher.update(wrapped);
        decipher.final();
        return contentKey;
      } catch {
        return undefined;
      }
    },
  };
}
