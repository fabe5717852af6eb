import { setTimeout as delay } from 'node:timers/promises';

/**
 * Closes one after the other, and gives up after so many milliseconds: a process that failed must end. Never
 * throws, because what failed before is what its operator is to hear of.
 */
export async function closeWithin(ms: number, closers: readonly (() => Promise<unknown>)[]): Promise<void> {
  const closing = (async () => {
    for (const close of closers) await close().catch(() => {});
  })();
  await Promise.race([closing, delay(ms, undefined, { ref: false })]);
}
