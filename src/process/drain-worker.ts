/**
 * A worker process drains in this order:
 *
 * 1. SIGTERM or SIGINT (`until-signalled.ts`), or a failed key check, calls `drainWorker`.
 * 2. The worker takes no more tasks, and no new refresh begins.
 * 3. Calls and refreshes under way end: calls within the worker's grace time, and refreshes with their write-back,
 *    because the answer of a refresh is the only copy of the new token.
 * 4. `runUntilDrained` closes everything that was opened.
 *
 * A Worker of another program is shut down by that program: `stopRefreshesOnShutdown` does step 2 there.
 */
import type { Worker } from '@temporalio/worker';
import { closeWithin } from '../async/deadline.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';

/** A refresh can take this long, and its answer is the only copy of the new token. */
const CLOSE_TIMEOUT_MS = 80_000;
const POLL_INTERVAL_MS = 500;
const NOT_ENDING: readonly string[] = ['INITIALIZED', 'RUNNING'] satisfies ReturnType<Worker['getState']>[];

/** Stops taking tasks and beginning refreshes. A refresh begun late in the grace time could outlast it by a minute. */
export function drainWorker(worker: Worker, renewal: Renewal): void {
  shutDownOnce(worker);
  void renewal.drain();
}

/** Shuts the worker down unless it is shutting down already. */
export function shutDownOnce(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}

/**
 * Runs a worker until it has drained, then closes what was opened. After a failure it gives up on closing in the end.
 *
 * @param closers in the order of closing
 */
export async function runUntilDrained(
  run: () => Promise<void>,
  closers: readonly (() => Promise<void>)[],
): Promise<void> {
  try {
    await run();
  } catch (error) {
    await closeWithin(CLOSE_TIMEOUT_MS, closers);
    throw error;
  }
  for (const close of closers) await close();
}

/**
 * Stops new refreshes once the worker is shutting down. The SDK emits no event for this, so the state is polled.
 *
 * @param onShutdown called once
 * @returns stops the polling
 */
export function stopRefreshesOnShutdown(
  worker: Worker,
  renewal: Renewal,
  onShutdown: () => void,
): () => void {
  const polling = setInterval(() => {
    if (NOT_ENDING.includes(worker.getState())) return;
    clearInterval(polling);
    void renewal.drain();
    onShutdown();
  }, POLL_INTERVAL_MS);
  return () => clearInterval(polling);
}
