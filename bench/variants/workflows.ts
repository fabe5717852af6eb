/** Other ways to write the bare workflow, for a comparison. Each lacks one of the things that a step does. */
import { proxyActivities, sleep } from '@temporalio/workflow';
import type { BareCall } from '../bare/call.ts';
import type { VariantActivities } from './activities.ts';

const activities = proxyActivities<VariantActivities>({
  startToCloseTimeout: '5 minutes',
  retry: { maximumAttempts: 1 },
});

/** Opens a session for each call, and closes it. */
export async function connectEachCall(call: BareCall): Promise<unknown> {
  return activities.callInNewSession(call);
}

/** Refreshes the token before each call. */
export async function refreshEachCall(call: BareCall): Promise<unknown> {
  return activities.callWithNewToken(call);
}

/** Refreshes the token when it is refused. Only a mutex of the process guards the refresh token. */
export async function refreshUnderMutex(call: BareCall): Promise<unknown> {
  return activities.callWithStoredToken(call);
}

/** Waits for the user's token by looking for it again and again. */
export async function pollForToken(call: BareCall, everyMs: number): Promise<unknown> {
  while (!(await activities.hasToken(call.userId))) await sleep(everyMs);
  return activities.callWithStoredToken(call);
}
