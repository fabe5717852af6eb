import { createDecipheriv } from 'node:crypto';

const KEY = /^[0-9a-fA-F]{64}$/;
const VALUE = /^([0-9a-fA-F]{32}):((?:[0-9a-fA-F]{32})+)$/;

/** Returns the text of a value of LibreChat's database. Undefined: it can't be decrypted. */
export type Decrypt = (value: string) => string | undefined;

/**
 * Decrypts what LibreChat stores of MCP servers: AES-256-CBC with the key `CREDS_KEY` and an initialization vector of
 * each value's own, both in hex. `CREDS_IV` is not used for these. Undefined: the key is not 64 hex digits.
 *
 * The mode has no authentication: a wrong key is noticed by its padding, or by text that is not UTF-8.
 *
 * @see https://github.com/danny-avila/LibreChat/blob/main/packages/api/src/crypto/encryption.ts
 */
export function createLibreChatCipher(credsKey: string): Decrypt | undefined {
  if (!KEY.test(credsKey)) return undefined;
  const key = Buffer.from(credsKey, 'hex');
  return (value) => {
    const [, iv, ciphertext] = VALUE.exec(value) ?? [];
    return iv === undefined || ciphertext === undefined ? undefined : decrypted(key, iv, ciphertext);
  };
}

function decrypted(key: Buffer, iv: string, ciphertext: string): string | undefined {
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, Buffer.from(iv, 'hex'));
    const bytes = Buffer.concat([decipher.update(ciphertext, 'hex'), decipher.final()]);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
