import { proxyActivities, sleep } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';
import type { ServerResumption } from '../../contracts/background-activities.ts';

const { signalStepsOfServer } = proxyActivities<Pick<LatchkeyActivities, 'signalStepsOfServer'>>({
  // All running steps of a server, at the pace of the workers.
  startToCloseTimeout: '6h',
  // Short, because the remaining steps wait until a dead worker is noticed.
  heartbeatTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 20 },
});

const { endServerResumption } = proxyActivities<Pick<LatchkeyActivities, 'endServerResumption'>>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 20 },
});

/** Temporal's visibility lags by about a second. */
const VISIBILITY_LAG = '10s';

/**
 * Signals every step that may wait for a server that was paused: twice, because the first list misses a step that has
 * just been started or just began to run. It is safe to start again. The reconcile schedule starts it until it has
 * succeeded once.
 *
 * @internal
 */
export async function resumeServer(resumption: ServerResumption): Promise<{ signalled: number }> {
  const first = await signalStepsOfServer(resumption);
  await sleep(VISIBILITY_LAG, { summary: "Temporal's lists lag" });
  const second = await signalStepsOfServer(resumption);
  await endServerResumption(resumption);
  return { signalled: first + second };
}
