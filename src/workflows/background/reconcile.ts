import { proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';

const { startLostWork } = proxyActivities<Pick<LatchkeyActivities, 'startLostWork'>>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

// Once: the next run of the schedule tries again, and is not to be held up, since it starts lost work first.
const { deleteExpired } = proxyActivities<Pick<LatchkeyActivities, 'deleteExpired'>>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 1 },
});

/**
 * Run by the schedule `latchkey-reconcile`: starts every resumption and revocation whose start was lost, and
 * deletes what was kept for a time that is over.
 */
export async function reconcile(): Promise<{ resumptions: number; revocations: number }> {
  const started = await startLostWork();
  await deleteExpired();
  return started;
}
