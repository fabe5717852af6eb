import { backoffMs } from './backoff-ms.ts';
import { waitWithin } from './continue-step.ts';
import type { Step } from './step.ts';
import { fail, type Reaction } from './step-outcome.ts';
import { forgetRenewals } from './step-progress.ts';

const LONGEST_WAIT_MS = 5 * 60_000;

/** No answer, and nothing is harmed by asking again: waits by a durable timer, longer each time, as long as the step may. */
export async function waitForServer(
  step: Step,
  obstacle: { cause: string; retryAfterMs?: number },
): Promise<Reaction> {
  const { plan, record, progress } = step;
  const unanswered = progress.unanswered ?? { since: Date.now(), times: 0 };
  const waitMs = Math.max(obstacle.retryAfterMs ?? 0, backoffMs(unanswered.times, LONGEST_WAIT_MS));
  if (Date.now() + waitMs > unanswered.since + plan.timeoutsMs.unavailable) {
    return fail('server-unavailable', 'the MCP server could not be reached in time');
  }
  progress.unanswered = { since: unanswered.since, times: unanswered.times + 1 };
  forgetRenewals(progress);
  record.note('waiting-for-server', { cause: obstacle.cause, waitMs });
  progress.notBefore = Date.now() + waitMs;
  await waitOut(step);
  return 'try-again';
}

/** Leaves the server alone for as long as it is to be left alone. */
export async function waitOut(step: Step): Promise<void> {
  const { notBefore } = step.progress;
  if (notBefore === undefined) return;
  await waitWithin(step, notBefore - Date.now(), () => false);
  delete step.progress.notBefore;
}
