import { sleep } from '@temporalio/workflow';
import { backoffMs } from './backoff-ms.ts';
import type { Step } from './step.ts';
import { fail, type Reaction } from './step-outcome.ts';

const MINUTE_MS = 60_000;
const LONGEST_WAIT_MS = MINUTE_MS;
/** A key that is being rolled out is everywhere by then. */
const GIVE_UP_AFTER_MS = 10 * MINUTE_MS;

/**
 * A worker lacked an encryption key, as one does that was not restarted with a new key before another used it:
 * waits by a durable timer for it, or for another worker. After ten minutes it is for the operator to mend.
 */
export async function waitForKey(
  { plan, record, progress }: Step,
  { kid }: { kid: string },
): Promise<Reaction> {
  const withoutKey = progress.withoutKey ?? { since: Date.now(), times: 0 };
  const waitMs = backoffMs(withoutKey.times, LONGEST_WAIT_MS);
  const limitMs = Math.min(GIVE_UP_AFTER_MS, plan.timeoutsMs.unavailable);
  if (Date.now() + waitMs > withoutKey.since + limitMs) {
    return fail('misconfigured', `encryption key ${kid} is not configured`);
  }
  progress.withoutKey = { since: withoutKey.since, times: withoutKey.times + 1 };
  record.note('waiting-for-key', { kid, waitMs });
  await sleep(waitMs);
  return 'try-again';
}
