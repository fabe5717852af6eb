import type { Payload, PayloadCodec } from '@temporalio/common';
import { PAYLOAD_KEY_MISSING } from '../contracts/activities.ts';
import { createKeyRing, type RingKey } from '../vault/key-ring.ts';
import { createPayloadCipher, type PayloadCipher, sealedUnder } from './payload-cipher.ts';

/** A payload is encrypted under a key that this process lacks. The error's name becomes the type of the failure. */
export class PayloadKeyMissing extends Error {
  constructor(kid: string) {
    super(`PAYLOAD_KEYS lacks the key ${kid}`);
    this.name = PAYLOAD_KEY_MISSING;
  }
}

/** No payload converter knows this encoding, so the lenient converter treats the payload as undecodable. */
const UNDECRYPTABLE = 'binary/undecryptable';

/**
 * Encrypts every payload. Decodes encrypted and unencrypted payloads, because a workflow may have been started before
 * encryption was switched on, or by a client without it. Without keys, it encrypts nothing and refuses encrypted
 * payloads.
 *
 * A missing key throws PayloadKeyMissing, so that Temporal retries the task until a worker with the key takes it. An
 * undecryptable payload does not throw. Otherwise one forged signal could block a step permanently.
 */
export function createPayloadCodec(keys?: readonly RingKey[]): PayloadCodec {
  const cipher = keys && createPayloadCipher(createKeyRing(keys));
  return {
    encode: (payloads) => Promise.all(payloads.map((payload) => encode(cipher, payload))),
    decode: (payloads) => Promise.all(payloads.map((payload) => decode(cipher, payload))),
  };
}

// A sealed payload is not sealed again: a Worker may have been given this codec twice.
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
      // Not `Buffer.from`: this is sent to another thread, and a short Buffer shares its memory with others.
      return {
        ...payload,
        metadata: { ...payload.metadata, encoding: new TextEncoder().encode(UNDECRYPTABLE) },
      };
    default:
      return outcome satisfies never;
  }
}

/** Copies a Temporal message, such as a history, with all payloads in it decoded. */
export async function decodeWithin(message: unknown, codec: PayloadCodec): Promise<unknown> {
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return message;
  if (Array.isArray(message)) return Promise.all(message.map((member) => decodeWithin(member, codec)));
  const [decoded] = isPayload(message) ? await codec.decode([message]) : [];
  if (decoded !== undefined) return { ...decoded };
  const members = Object.entries(message).map(async ([name, member]) => [
    name,
    await decodeWithin(member, codec),
  ]);
  return Object.fromEntries(await Promise.all(members));
}

// In Temporal's messages, only payloads have these two fields.
function isPayload(message: object): message is Payload {
  return 'metadata' in message && 'data' in message && message.data instanceof Uint8Array;
}
