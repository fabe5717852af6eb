import type { DataConverter } from '@temporalio/common';
import { encryptionKeys } from '../config/encryption-keys.ts';
import { createDataConverter } from '../payloads/data-converter.ts';

/**
 * A data converter for a Client or Worker of another program that exchanges encrypted payloads with Latchkey: to start
 * steps, read them, or run them as child workflows. It also reads payloads that are not encrypted.
 *
 * @param payloadKeys the value of `PAYLOAD_KEYS`
 * @param own a data converter to add the encryption to; its codecs encode first
 * @throws when the keys are malformed; the message describes the problem and contains no key
 */
export function payloadDataConverter(payloadKeys: string, own?: DataConverter): DataConverter {
  const parsed = encryptionKeys.safeParse(payloadKeys);
  if (parsed.success) return createDataConverter(parsed.data.reveal(), own);
  throw new Error(`payload keys: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}
