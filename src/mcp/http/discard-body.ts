import type { ByteReader } from './body-reader.ts';

/** Milliseconds after which a body that nobody needs is cut off. */
const DISCARD_MS = 1_000;

/**
 * Reads on to the end of a body that nobody needs, in the background: normally the end is there already, and
 * cutting a body off would cost its connection.
 */
export function discardBody(reader: ByteReader | undefined): void {
  if (reader !== undefined) void readToEnd(reader);
}

async function readToEnd(reader: ByteReader): Promise<void> {
  const timer = setTimeout(() => abortBody(reader), DISCARD_MS);
  timer.unref();
  try {
    while (!(await reader.read()).done);
  } catch {
    // What was wanted of the answer is in; how its connection ends is of no interest.
  } finally {
    clearTimeout(timer);
  }
}

/** Gives up a body together with its connection. */
export function abortBody(reader: ByteReader): void {
  reader.cancel().catch(() => {});
}
