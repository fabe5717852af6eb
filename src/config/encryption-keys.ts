import { z } from 'zod';
import { KEY_ID, type RingKey } from '../vault/key-ring.ts';
import { Secret } from './secret.ts';

const KEY_BYTES = 32;

/** `id:base64,id:base64`, 32 bytes each, in base64 or base64url. The order matters: the first key encrypts. */
export const encryptionKeys = z.string('is required').transform((value, ctx) => {
  const problem = (message: string) => ctx.addIssue({ code: 'custom', message });
  const keys = value.split(',').map((entry, index) => readKey(entry.trim(), `entry ${index + 1}`, problem));
  for (const [first, second] of repeatedIds(keys)) problem(`entries ${first} and ${second} have the same id`);
  return new Secret<readonly RingKey[]>(keys);
});

/** Formats keys as the value of a variable, for the environment of another process. */
export function formatKeys(keys: readonly RingKey[]): string {
  return keys.map(({ id, bytes }) => `${id}:${Buffer.from(bytes).toString('base64')}`).join();
}

// Problems name an entry by its position: where id and key are swapped, the "id" is the key.
function readKey(entry: string, position: string, problem: (message: string) => void): RingKey {
  const colon = entry.indexOf(':');
  const id = entry.slice(0, Math.max(colon, 0)).trim();
  const bytes = decodeBase64(entry.slice(colon + 1).trim());
  if (colon < 0) {
    problem(`${position} must have the form id:base64`);
  } else {
    if (!KEY_ID.test(id)) problem(`${position} needs an id of 1–64 of A–Z a–z 0–9 . _ - before the colon`);
    if (bytes === undefined) problem(`${position} is not base64`);
    else if (bytes.byteLength !== KEY_BYTES) {
      problem(`${position} holds ${bytes.byteLength} bytes instead of ${KEY_BYTES}`);
    }
  }
  return { id, bytes: bytes ?? new Uint8Array() };
}

/** Strict, because Node skips characters that are not base64, which would turn a typo into another key. */
function decodeBase64(encoded: string): Uint8Array | undefined {
  const canonical = encoded
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  const bytes = Buffer.from(canonical, 'base64url');
  return bytes.toString('base64url') === canonical ? Uint8Array.from(bytes) : undefined;
}

/** Returns pairs of 1-based positions. */
function repeatedIds(keys: readonly RingKey[]): [number, number][] {
  return keys.flatMap(({ id }, index): [number, number][] => {
    const first = keys.findIndex((key) => key.id === id);
    return id !== '' && first < index ? [[first + 1, index + 1]] : [];
  });
}
