import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds that the event loop was held up at once while the work went on, at most. */
export async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // The first sample of a histogram measures nothing.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await work();
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  return delay.max / 1e6;
}
