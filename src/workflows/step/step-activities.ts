import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';
import { MAX_TIMEOUTS_MS } from '../../contracts/durations.ts';

const MINUTE = 60_000;

/**
 * One attempt: Temporal's history is the record of the intent to call, so an attempt that vanished may have
 * run its tool. No schedule-to-close: under it a call that never started looks like one that did. Inactivity
 * is judged inside the activity; a step that is cancelled waits to hear what became of the call.
 */
export const { invokeTool } = proxyActivities<Pick<LatchkeyActivities, 'invokeTool'>>({
  startToCloseTimeout: MAX_TIMEOUTS_MS.call + MINUTE,
  heartbeatTimeout: '30s',
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** What a trusted server says of its tool; tried until the attempt has an outcome. */
export const { describeTool } = proxyActivities<Pick<LatchkeyActivities, 'describeTool'>>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Somebody waits for the answer, so it is not tried for long. */
export const { checkArguments } = proxyActivities<Pick<LatchkeyActivities, 'checkArguments'>>({
  startToCloseTimeout: '20s',
  retry: { maximumAttempts: 2 },
});

/** Retried until `unavailableMs` have passed: a lease held by another and an outage both mean "later". */
export function refreshTokenWithin(unavailableMs: number): LatchkeyActivities['refreshToken'] {
  return proxyActivities<Pick<LatchkeyActivities, 'refreshToken'>>({
    startToCloseTimeout: '5m',
    scheduleToCloseTimeout: unavailableMs,
    heartbeatTimeout: '30s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  }).refreshToken;
}

/** Short writes to the store, tried until they are done. */
export const { registerWaiter, removeWaiter } = proxyActivities<
  Pick<LatchkeyActivities, 'registerWaiter' | 'removeWaiter'>
>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
});
