import { z } from 'zod';
import { cutOff, drain } from './drain.ts';
import { mediaType } from './media-type.ts';

/** The JSON-RPC error in the body of an HTTP refusal. */
export interface RefusalError {
  code: number;
  data?: unknown;
}

/** A refusal's body is read so far, and for so long (bytes, milliseconds). */
const MAX_BYTES = 64 * 1024;
const WITHIN_MS = 1_000;

const refusalError = z.object({ error: z.object({ code: z.int(), data: z.unknown().optional() }) });

/** Undefined where the body holds none. Reads or gives up the body in any case; never rejects. */
export async function readRefusalError(response: Response): Promise<RefusalError | undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined || mediaType(response) !== 'application/json') {
    drain(reader);
    return undefined;
  }
  return parseError(await readText(reader));
}

async function readText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const timer = setTimeout(() => cutOff(reader), WITHIN_MS);
  const chunks: Uint8Array[] = [];
  try {
    for (let bytes = 0; bytes <= MAX_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(chunks).toString();
      bytes += value.byteLength;
      chunks.push(value);
    }
    cutOff(reader);
  } catch {
    // The status is known; a body that breaks tells nothing more.
  } finally {
    clearTimeout(timer);
  }
  return '';
}

function parseError(text: string): RefusalError | undefined {
  try {
    const parsed = refusalError.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.error : undefined;
  } catch {
    return undefined;
  }
}
