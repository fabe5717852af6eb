import { sleep } from '@temporalio/workflow';
import { fail, type Reaction } from './step-outcome.ts';
import { forgetRenewals, type Step } from './step-progress.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5 * 60_000;

/** No answer, and nothing is harmed by asking again: waits by a durable timer, longer each time, as long as the step may. */
export async function waitForServer(
  { plan, record, progress }: Step,
  obstacle: { cause: string; retryAfterMs?: number },
): Promise<Reaction> {
  const unanswered = progress.unanswered ?? { since: Date.now(), times: 0 };
  const waitMs = Math.max(obstacle.retryAfterMs ?? 0, backoffMs(unanswered.times));
  if (Date.now() + waitMs > unanswered.since + plan.timeoutsMs.unavailable) {
    return fail('server-unavailable', 'the MCP server could not be reached in time');
  }
  progress.unanswered = { since: unanswered.since, times: unanswered.times + 1 };
  forgetRenewals(progress);
  record.note('waiting-for-server', { cause: obstacle.cause, waitMs });
  await sleep(waitMs);
  return 'try-again';
}

// Half of it is left to chance, so that a thousand steps don't come back at once.
function backoffMs(times: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(times, 20), LONGEST_WAIT_MS);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
