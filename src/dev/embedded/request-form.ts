import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

/** Reads the body of a form's POST. */
export async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams(await text(req));
}

/** Reads the body and puts it back for the next reader. Does not read a body without `content-length`. */
export async function peekForm(req: IncomingMessage): Promise<URLSearchParams> {
  const expected = Number(req.headers['content-length'] ?? 0);
  const chunks: Buffer[] = [];
  let received = 0;
  while (received < expected) {
    const chunk: Buffer | null = req.read();
    if (chunk === null) {
      await once(req, 'readable');
      continue;
    }
    chunks.push(chunk);
    received += chunk.length;
  }
  const body = Buffer.concat(chunks);
  // In the same tick as the last read: after the stream has emitted `end`, `unshift` fails.
  req.unshift(body);
  return new URLSearchParams(body.toString());
}
