/** The activities of a step, with their timeouts and retry policies. */
import { ActivityCancellationType, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';
import { MAX_TIMEOUTS_MS } from '../../contracts/durations.ts';
import { fairnessKey } from '../../contracts/step-workflow-id.ts';

const MINUTE = 60_000;

/**
 * What an activity is for, in Temporal's UI, and whose it is. An activity has the fairness key of its workflow, but a
 * client that starts a workflow need not set one. Neither is compared in a replay.
 */
export function shownFor(userId: string, summary: string): ActivityOptions {
  return { summary, priority: { fairnessKey: fairnessKey(userId) } };
}

/**
 * One attempt, because an attempt that vanished may have run its tool: Temporal's history is the record of the intent
 * to call. No schedule-to-close timeout, because it does not say whether the call started. The activity itself
 * measures inactivity. A step that is cancelled waits for the outcome of the call.
 */
export const { invokeTool } = proxyActivities<Pick<LatchkeyActivities, 'invokeTool'>>({
  startToCloseTimeout: MAX_TIMEOUTS_MS.call + MINUTE,
  heartbeatTimeout: '30s',
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Retried until it returns an outcome. */
export const { describeTool } = proxyActivities<Pick<LatchkeyActivities, 'describeTool'>>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Retried once only, because a person waits for the answer. */
export const { checkArguments } = proxyActivities<Pick<LatchkeyActivities, 'checkArguments'>>({
  startToCloseTimeout: '20s',
  retry: { maximumAttempts: 2 },
});

/** Retried for `unavailableMs`: while another process holds the lease, and during an outage. */
export function refreshTokenWithin(
  unavailableMs: number,
  options: ActivityOptions,
): LatchkeyActivities['refreshToken'] {
  return proxyActivities<Pick<LatchkeyActivities, 'refreshToken'>>({
    startToCloseTimeout: '5m',
    ...options,
    scheduleToCloseTimeout: unavailableMs,
    heartbeatTimeout: '30s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  }).refreshToken;
}

/** Short writes to the store, retried until they succeed. */
export const { registerWaiter, removeWaiter } = proxyActivities<
  Pick<LatchkeyActivities, 'registerWaiter' | 'removeWaiter'>
>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
});
