import { proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities, ResumeStepsInput } from '../../contracts/activities.ts';

const { signalWaiters } = proxyActivities<Pick<LatchkeyActivities, 'signalWaiters'>>({
  startToCloseTimeout: '10m',
  // Short: while a dead worker goes unnoticed, the rest of the waiters wait.
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 20 },
});

/**
 * Signals every step that waits for a deposit older than `version`. Starting it again is harmless: who was
 * signalled no longer waits. What it fails to reach is left to the reconcile schedule.
 */
export async function resumeSteps(input: ResumeStepsInput): Promise<{ signalled: number }> {
  let signalled = 0;
  for (let more = true; more; ) {
    const page = await signalWaiters(input);
    signalled += page.signalled;
    more = page.more;
  }
  return { signalled };
}
