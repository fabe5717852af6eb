import { sleep } from '@temporalio/workflow';
import type { InvokeToolOutcome } from '../contracts/activities.ts';
import { fail, type Reaction } from './step-outcome.ts';
import type { Step } from './step-progress.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5 * 60_000;

/** The call could not be sent: waits by a durable timer, longer each time, as long as the step may. */
export async function waitForServer(
  { plan, record, progress }: Step,
  outcome: Extract<InvokeToolOutcome, { kind: 'not-sent' }>,
): Promise<Reaction> {
  const unsent = progress.unsent ?? { since: Date.now(), times: 0 };
  const waitMs = Math.max(outcome.retryAfterMs ?? 0, backoffMs(unsent.times));
  if (Date.now() + waitMs > unsent.since + plan.timeoutsMs.unavailable) {
    return fail('server-unavailable', 'the MCP server could not be reached in time');
  }
  progress.unsent = { since: unsent.since, times: unsent.times + 1 };
  // Time passes here: what was just renewed may run out, and a 401 is a new one.
  delete progress.justRenewed;
  delete progress.renewedAfterRefusal;
  record.note('waiting-for-server', { cause: outcome.cause, waitMs });
  await sleep(waitMs);
  return 'call-again';
}

// Half of it is left to chance, so that a thousand steps don't come back at once.
function backoffMs(times: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(times, 20), LONGEST_WAIT_MS);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
