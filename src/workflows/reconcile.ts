import { proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../contracts/activities.ts';

const { startLostWork, deleteExpired } = proxyActivities<
  Pick<LatchkeyActivities, 'startLostWork' | 'deleteExpired'>
>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
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
