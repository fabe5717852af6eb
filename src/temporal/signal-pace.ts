import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const { PENDING_WORKFLOW_TASK_STATE_SCHEDULED: SCHEDULED } =
  proto.temporal.api.enums.v1.PendingWorkflowTaskState;

const FIRST_LOOK_AFTER_MS = 20;
const LOOK_AT_LEAST_EVERY_MS = 400;
/** After this, the task waits for any worker, and the workflow is replayed anyway: see `worker-options.ts`. */
const GIVE_UP_AFTER_MS = 5_000;

/** After the death of a worker no more workflows than these are signalled again. */
export const SIGNALS_AT_ONCE = 25;

/** Keeps signals to many workflows from outrunning the workers. */
export interface SignalPace {
  /** Call this after each batch of signals, with its workflow ids. Resolves when workers have begun the one before. */
  keep(batch: readonly string[]): Promise<void>;
}

/**
 * A signalled workflow waits a few seconds for the worker that has it in memory. Then any worker may take it, and has to
 * fetch and replay its history. Of a thousand signals at once, most would cause such a replay. With this pace about two
 * batches wait for workers at any time. It looks at the last workflow of each batch.
 *
 * @param stop ends the wait
 */
export function createSignalPace(
  client: Client,
  stop: AbortSignal,
  giveUpAfterMs = GIVE_UP_AFTER_MS,
): SignalPace {
  let previous: string | undefined;
  return {
    async keep(batch) {
      const before = previous;
      previous = batch.at(-1);
      if (before !== undefined) await untilTaken(client, before, { stop, giveUpAfterMs });
    },
  };
}

export function* inBatches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}

async function untilTaken(
  client: Client,
  workflowId: string,
  { stop, giveUpAfterMs }: { stop: AbortSignal; giveUpAfterMs: number },
): Promise<void> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  for (let pause = FIRST_LOOK_AFTER_MS; !stop.aborted; pause = Math.min(pause * 2, LOOK_AT_LEAST_EVERY_MS)) {
    if (performance.now() > giveUpAt || !(await waitsForWorker(client, workflowId))) return;
    await delay(pause, undefined, { signal: stop }).catch(() => {});
  }
}

async function waitsForWorker(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    return raw.pendingWorkflowTask?.state === SCHEDULED;
  } catch {
    // It has ended, or Temporal does not answer. The pace spares work; no signal depends on it.
    return false;
  }
}
