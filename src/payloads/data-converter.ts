import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { RingKey } from '../vault/key-ring.ts';
import { createPayloadCodec } from './payload-codec.ts';

/**
 * The data converter of every client and worker. Without keys nothing is encrypted, but what others have
 * encrypted is refused as such instead of being taken for garbage.
 *
 * @param own what it is added to; its codecs come first in encoding, so that it may compress
 */
export function createDataConverter(
  keys: readonly RingKey[] | undefined,
  own: DataConverter = {},
): DataConverter {
  const codecs = own.payloadCodecs ?? [];
  // Behind the others it would refuse what one of them has a key for.
  if (keys === undefined) return { ...own, payloadCodecs: [createPayloadCodec(), ...codecs] };
  return {
    failureConverterPath: failureConverterPath(),
    ...own,
    payloadCodecs: [...codecs, createPayloadCodec(keys)],
  };
}

// Of the same kind as this file: built, or from source.
function failureConverterPath(): string {
  const name = `../contracts/encoding-failure-converter${extname(import.meta.url)}`;
  return fileURLToPath(new URL(name, import.meta.url));
}
