import { Context } from '@temporalio/activity';

const EVERY_MS = 5_000;

/** Heartbeats for as long as `work` takes: the server learns of a dead worker, the worker of a cancellation. */
export async function heartbeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beating = setInterval(() => context.heartbeat(), EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
