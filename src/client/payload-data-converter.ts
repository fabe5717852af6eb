import type { DataConverter } from '@temporalio/common';
import { encryptionKeys } from '../config/encryption-keys.ts';
import { createDataConverter } from '../payloads/data-converter.ts';

/**
 * For Clients and Workers of one's own that exchange payloads with Latchkey's where those are encrypted: to start
 * steps, to read them, to run them as child workflows. Payloads in clear are read as well.
 *
 * @param payloadKeys the value of `PAYLOAD_KEYS`
 * @param own a data converter to add it to; its codecs encode before
 * @throws when the keys are malformed; the message says how and repeats none
 */
export function payloadDataConverter(payloadKeys: string, own?: DataConverter): DataConverter {
  const parsed = encryptionKeys.safeParse(payloadKeys);
  if (parsed.success) return createDataConverter(parsed.data.reveal(), own);
  throw new Error(`payload keys: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}
