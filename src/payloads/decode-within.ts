import type { Payload, PayloadCodec } from '@temporalio/common';

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
