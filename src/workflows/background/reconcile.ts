import { proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';
import type { LostWork } from '../../contracts/background-activities.ts';

const { startLostWork } = proxyActivities<Pick<LatchkeyActivities, 'startLostWork'>>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

// One attempt: a retry would delay the next run of the schedule, which starts lost work and deletes again.
const { deleteExpired } = proxyActivities<Pick<LatchkeyActivities, 'deleteExpired'>>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 1 },
});

/**
 * Run by the schedule `latchkey-reconcile`: starts resumptions and revocations whose start was lost, deletes expired
 * rows.
 *
 * @internal
 */
export async function reconcile(): Promise<LostWork> {
  const started = await startLostWork();
  await deleteExpired();
  return started;
}
