import { sleep } from '@temporalio/workflow';
import { backoffMs } from './backoff-ms.ts';
import type { Step } from './step.ts';
import { fail, type Reaction } from './step-outcome.ts';

const LONGEST_WAIT_MS = 60_000;

/**
 * The operator's client is refused, as it is after its secret was changed: waits by a durable timer until it is mended,
 * as for an outage.
 */
export async function waitForOperator(
  { plan, record, progress }: Step,
  { cause, message }: { cause: string; message: string },
): Promise<Reaction> {
  const unoperated = progress.unoperated ?? { since: Date.now(), times: 0 };
  const waitMs = backoffMs(unoperated.times, LONGEST_WAIT_MS);
  if (Date.now() + waitMs > unoperated.since + plan.timeoutsMs.unavailable) {
    return fail('misconfigured', message);
  }
  progress.unoperated = { since: unoperated.since, times: unoperated.times + 1 };
  record.note('waiting-for-operator', { cause, waitMs });
  await sleep(waitMs);
  return 'try-again';
}
