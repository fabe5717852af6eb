import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { temporalCall } from './temporal-call.ts';

const { PENDING_WORKFLOW_TASK_STATE_SCHEDULED: SCHEDULED } =
  proto.temporal.api.enums.v1.PendingWorkflowTaskState;

const FIRST_LOOK_AFTER_MS = 20;
const LOOK_AT_LEAST_EVERY_MS = 400;
/** This, the pause and the wait below together take less than the heartbeat timeout of the activities that signal. */
const LOOK_WITHIN_MS = 2_000;
/** After this, the task waits for any worker, and the workflow is replayed anyway: see `worker-options.ts`. */
const GIVE_UP_AFTER_MS = 5_000;
/** Then the pace ends: workflows without a worker must not hold up those that have one for longer. */
const MAX_GIVEN_UP = 3;

/** The workflows of a batch. They are signalled at once. */
export const SIGNALS_AT_ONCE = 25;

/** Keeps signals to many workflows from outrunning the workers. */
export interface SignalPace {
  /**
   * Call this after each batch of signals, with its workflow ids. Resolves when a worker has begun the last workflow of
   * the batch before, or after a few seconds.
   */
  keep(batch: readonly string[]): Promise<void>;
}

/**
 * A signalled workflow waits a few seconds for the worker that has it in memory. Then any worker may take it, and has to
 * fetch and replay its history. Of a thousand signals at once, most would cause such a replay. With this pace about two
 * batches wait for workers at any time. After three batches that no worker began in time, it waits no more.
 *
 * @param stop ends the wait
 */
export function createSignalPace(
  client: Client,
  stop: AbortSignal,
  giveUpAfterMs = GIVE_UP_AFTER_MS,
): SignalPace {
  let previous: string | undefined;
  let givenUp = 0;
  return {
    async keep(batch) {
      const before = previous;
      previous = batch.at(-1);
      if (before === undefined || givenUp === MAX_GIVEN_UP) return;
      // No signal depends on the pace. So an error of Temporal's only ends this wait.
      const isTaken = await untilTaken(client, before, { stop, giveUpAfterMs }).catch(() => false);
      if (!isTaken) givenUp += 1;
    },
  };
}

export function* inBatches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}

/** @returns false if no worker took it in time. @throws if Temporal does not answer */
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
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
