import { proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities, ResumeStepsInput } from '../../contracts/activities.ts';

const { signalWaiters } = proxyActivities<Pick<LatchkeyActivities, 'signalWaiters'>>({
  startToCloseTimeout: '10m',
  // Short, because the remaining steps wait until a dead worker is noticed.
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 20 },
});

/**
 * Signals every step that waits for deposit `version` or an older one. It is safe to start again, because a signalled
 * step has no waiter any more. The reconcile schedule resumes the steps that it fails to signal.
 *
 * @internal
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
