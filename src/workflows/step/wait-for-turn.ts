import { sleep } from '@temporalio/workflow';
import { backoffMs } from './backoff-ms.ts';
import type { Step } from './step.ts';
import type { Reaction } from './step-outcome.ts';
import { forgetRenewals, type StepProgress } from './step-progress.ts';

const LONGEST_WAIT_MS = 15_000;

/**
 * The user, or the server, has as many calls under way as the worker allows: waits by a durable timer, without a slot.
 * Calls end, so this is not an outage: no deadline ends it, and the time does not count towards one.
 */
export async function waitForTurn(
  { record, progress }: Step,
  { cause, retryAfterMs = 0 }: { cause: string; retryAfterMs?: number },
): Promise<Reaction> {
  const times = progress.crowded ?? 0;
  progress.crowded = times + 1;
  const waitMs = Math.max(retryAfterMs, backoffMs(times, LONGEST_WAIT_MS));
  // Once: a wait of hours must not push the rest out of the timeline.
  if (times === 0) record.note('waiting-for-turn', { cause });
  forgetRenewals(progress);
  const since = Date.now();
  await sleep(waitMs);
  stopClocks(progress, Date.now() - since);
  return 'try-again';
}

function stopClocks(progress: StepProgress, ms: number): void {
  if (progress.unanswered !== undefined) progress.unanswered.since += ms;
  if (progress.unoperated !== undefined) progress.unoperated.since += ms;
}
