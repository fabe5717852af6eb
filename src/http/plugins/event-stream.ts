import { PassThrough, type Writable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Some proxies pass nothing on before they have this much. */
const PADDING_BYTES = 2_048;
/** Browsers connect again after two to four seconds, not all at once when a server restarts. */
const MIN_RETRY_MS = 2_000;
const RETRY_SPREAD_MS = 2_000;

export interface EventStream {
  send(name: string, id: string, data: object): void;
  /** Keeps proxies from closing the stream. */
  beat(): void;
  end(): void;
}

/**
 * Writes server-sent events.
 *
 * @param cut called instead of a write while the reader has not taken what was written before
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventStream(output: Writable, cut: () => void): EventStream {
  const write = (text: string) => {
    if (output.writableNeedDrain) cut();
    else if (!output.writableEnded) output.write(text);
  };
  write(
    `:${' '.repeat(PADDING_BYTES)}\nretry: ${MIN_RETRY_MS + Math.round(Math.random() * RETRY_SPREAD_MS)}\n\n`,
  );
  return {
    send: (name, id, data) => write(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`),
    beat: () => write(':\n\n'),
    end: () => void output.end(),
  };
}

/** Begins the answer to a request for server-sent events. A client that does not read is cut. */
export function startEventStream(reply: FastifyReply): EventStream {
  const output = new PassThrough();
  reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache, no-transform')
    // nginx and proxies that follow it: do not wait for more.
    .header('x-accel-buffering', 'no')
    .send(output);
  return createEventStream(output, () => reply.raw.destroy());
}
