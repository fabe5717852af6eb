import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { RingKey } from '../vault/key-ring.ts';
import { createPayloadCodec } from './payload-codec.ts';

/**
 * Creates the data converter of every client and worker. Without keys, it encrypts nothing, and reports an encrypted
 * payload as encrypted instead of as malformed.
 *
 * @param own the application's converter. Its codecs encode first, so that they can compress.
 */
export function createDataConverter(
  keys: readonly RingKey[] | undefined,
  own: DataConverter = {},
): DataConverter {
  const codecs = own.payloadCodecs ?? [];
  // The last codec decodes first. Another codec may have the key, so it must decode before this one refuses.
  if (keys === undefined) return { ...own, payloadCodecs: [createPayloadCodec(), ...codecs] };
  return {
    failureConverterPath: failureConverterPath(),
    ...own,
    payloadCodecs: [...codecs, createPayloadCodec(keys)],
  };
}

// Has the same extension as this file: .js in a build, .ts from source.
function failureConverterPath(): string {
  const name = `../contracts/encoding-failure-converter${extname(import.meta.url)}`;
  return fileURLToPath(new URL(name, import.meta.url));
}
