import type { Client } from '@temporalio/client';
import type { Db } from '../db/pool.ts';
import type { Metrics } from '../telemetry/metrics/metrics.ts';
import { countWaitingSteps } from './count-waiting-steps.ts';

const INTERVAL_MS = 15_000;
/** Counting takes at most this part of the time, however many steps wait. */
const MAX_SHARE = 0.01;

/**
 * Counts the waiting steps again and again for the metrics. Several workers count the same steps, each for itself.
 *
 * @returns stops it
 */
export function watchWaitingSteps(deps: { db: Db; client: Client; metrics: Metrics }): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const count = async () => {
    const startedAt = performance.now();
    const counts = await countWaitingSteps(deps).catch(() => undefined);
    if (isStopped) return;
    deps.metrics.waiting(counts);
    timer = setTimeout(begin, Math.max(INTERVAL_MS, (performance.now() - startedAt) / MAX_SHARE));
    timer.unref();
  };
  let running = Promise.resolve();
  const begin = () => {
    running = count();
  };
  begin();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
