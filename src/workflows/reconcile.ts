import { proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../contracts/activities.ts';

const { startLostWork } = proxyActivities<Pick<LatchkeyActivities, 'startLostWork'>>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

/** Run by the schedule `latchkey-reconcile`: starts every resumption and revocation whose start was lost. */
export async function reconcile(): Promise<{ resumptions: number; revocations: number }> {
  return startLostWork();
}
