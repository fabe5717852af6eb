import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** A client that takes nothing for this long is cut, because what was read for it stays in memory. */
const STALL_MS = 60_000;

/**
 * Streams texts as they are read: the next one is read when the client has taken the one before. If reading fails, or the
 * app closes, the connection is cut, so that the client can tell that this is not all.
 */
export function sendLines(
  reply: FastifyReply,
  mediaType: string,
  signal: AbortSignal,
  texts: AsyncIterable<string>,
): FastifyReply {
  const stream = Readable.from(texts, { objectMode: true, highWaterMark: 1 });
  // Without an error, which would be thrown where nothing listens for it any more.
  const cut = () => void stream.destroy();
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true });
  reply.raw.setTimeout(STALL_MS, cut);
  return reply.type(mediaType).header('x-accel-buffering', 'no').send(stream);
}
