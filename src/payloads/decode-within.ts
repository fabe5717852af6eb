import type { Payload, PayloadCodec } from '@temporalio/common';

/** A copy of one of Temporal's messages, such as a history, with every payload in it decoded. */
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

// Nothing else in Temporal's messages has metadata of bytes.
function isPayload(message: object): message is Payload {
  return 'metadata' in message && 'data' in message && message.data instanceof Uint8Array;
}
