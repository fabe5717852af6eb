import type { ByteReader } from './body-reader.ts';

/** Milliseconds after which a body that is still arriving is aborted. */
const DISCARD_TIMEOUT_MS = 1_000;

/**
 * Reads an unneeded body to its end, in the background. Usually the end has arrived already. Aborting the body would
 * close a connection that can be reused.
 */
export function discardBody(reader: ByteReader | undefined): void {
  if (reader !== undefined) void readToEnd(reader);
}

async function readToEnd(reader: ByteReader): Promise<void> {
  const timer = setTimeout(() => abortBody(reader), DISCARD_TIMEOUT_MS);
  timer.unref();
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer itself was read before, so a connection that breaks now makes no difference.
  } finally {
    clearTimeout(timer);
  }
}

/** Aborts a body, which closes its connection. */
export function abortBody(reader: ByteReader): void {
  reader.cancel().catch(() => {});
}
