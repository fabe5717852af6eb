import { Context } from '@temporalio/activity';

const EVERY_MS = 5_000;

/**
 * Heartbeats for as long as `work` takes: the server learns of a dead worker, the worker of a cancellation, and
 * whoever describes the workflow sees the details.
 */
export async function heartbeating<T>(work: () => Promise<T>, details?: () => unknown): Promise<T> {
  const context = Context.current();
  const beating = setInterval(() => context.heartbeat(details?.()), EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
