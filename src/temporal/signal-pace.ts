import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { temporalCall } from './temporal-call.ts';

const { PENDING_WORKFLOW_TASK_STATE_SCHEDULED: SCHEDULED } =
  proto.temporal.api.enums.v1.PendingWorkflowTaskState;

const FIRST_LOOK_AFTER_MS = 20;
const LOOK_AT_LEAST_EVERY_MS = 400;
/** With the time below less than the heartbeat timeout of the activities that signal. */
const LOOK_WITHIN_MS = 2_000;
/** After this, the task waits for any worker, and the workflow is replayed anyway: see `worker-options.ts`. */
const GIVE_UP_AFTER_MS = 5_000;
/** Then the pace ends: these workflows have no worker, and must not hold up those that have one. */
const MAX_GIVEN_UP_IN_A_ROW = 3;

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
  let givenUpInARow = 0;
  return {
    async keep(batch) {
      const before = previous;
      previous = batch.at(-1);
      if (before === undefined || givenUpInARow === MAX_GIVEN_UP_IN_A_ROW) return;
      const isTaken = await untilTaken(client, before, { stop, giveUpAfterMs });
      givenUpInARow = isTaken ? 0 : givenUpInARow + 1;
    },
  };
}

export function* inBatches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}

/** @returns false if no worker took it in time */
async function untilTaken(
  client: Client,
  workflowId: string,
  { stop, giveUpAfterMs }: { stop: AbortSignal; giveUpAfterMs: number },
): Promise<boolean> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  let pause = FIRST_LOOK_AFTER_MS;
  while (await waitsForWorker(client, workflowId)) {
    if (stop.aborted || performance.now() > giveUpAt) return false;
    await delay(pause, undefined, { signal: stop }).catch(() => {});
    pause = Math.min(pause * 2, LOOK_AT_LEAST_EVERY_MS);
  }
  return true;
}

async function waitsForWorker(client: Client, workflowId: string): Promise<boolean> {
  try {
    const describe = () => client.workflow.getHandle(workflowId).describe();
    const { raw } = await temporalCall(client, describe, LOOK_WITHIN_MS);
    return raw.pendingWorkflowTask?.state === SCHEDULED;
  } catch {
    // It has ended, or Temporal does not answer. The pace spares work; no signal depends on it.
    return false;
  }
}
