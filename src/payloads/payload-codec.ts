import type { Payload, PayloadCodec } from '@temporalio/common';
import { PAYLOAD_KEY_MISSING } from '../contracts/activities.ts';
import { createKeyRing, type RingKey } from '../vault/key-ring.ts';
import { createPayloadCipher, type PayloadCipher, sealedUnder } from './payload-cipher.ts';

/** A payload was encrypted under a key that this process lacks. Its name is the type of the failure it becomes. */
export class PayloadKeyMissing extends Error {
  constructor(kid: string) {
    super(`PAYLOAD_KEYS lacks the key ${kid}`);
    this.name = PAYLOAD_KEY_MISSING;
  }
}

/** No payload converter knows it, so that ours takes the payload for one that can't be decoded. */
const UNDECRYPTABLE = 'binary/undecryptable';

/**
 * Encrypts every payload, and reads encrypted ones and those in clear: what was started before encryption was
 * switched on, or by a client without it. Without keys it encrypts nothing, and refuses what is encrypted.
 *
 * A missing key throws PayloadKeyMissing: Temporal repeats the task until a worker with the key takes it. What no
 * key will ever decrypt does not throw, or one tampered signal would keep a step from ever going on.
 */
export function createPayloadCodec(keys?: readonly RingKey[]): PayloadCodec {
  const cipher = keys && createPayloadCipher(createKeyRing(keys));
  return {
    encode: (payloads) => Promise.all(payloads.map((payload) => encode(cipher, payload))),
    decode: (payloads) => Promise.all(payloads.map((payload) => decode(cipher, payload))),
  };
}

// What is sealed already stays as it is: a Worker may have been given this codec twice.
async function encode(cipher: PayloadCipher | undefined, payload: Payload): Promise<Payload> {
  return cipher === undefined || sealedUnder(payload) !== undefined ? payload : cipher.seal(payload);
}

async function decode(cipher: PayloadCipher | undefined, payload: Payload): Promise<Payload> {
  const kid = sealedUnder(payload);
  if (kid === undefined) return payload;
  if (cipher === undefined) throw new PayloadKeyMissing(kid);
  const outcome = await cipher.open(payload);
  switch (outcome.kind) {
    case 'opened':
      return outcome.payload;
    case 'not-sealed':
      return payload;
    case 'key-missing':
      throw new PayloadKeyMissing(outcome.kid);
    case 'undecryptable':
      return { ...payload, metadata: { ...payload.metadata, encoding: Buffer.from(UNDECRYPTABLE) } };
    default:
      return outcome satisfies never;
  }
}
