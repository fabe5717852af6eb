/**
 * What a team would write without Latchkey, and what steps are compared with: one activity that makes the call. There
 * is no renewal, no pause and no record of a lost call.
 */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BareActivities, BareCall } from './activities.ts';

const { callTool } = proxyActivities<BareActivities>({
  startToCloseTimeout: '5 minutes',
  retry: { maximumAttempts: 1 },
});

export async function bareCall(call: BareCall): Promise<unknown> {
  return callTool(call);
}

export const release = defineSignal('release');

/** Waits for the signal `release` first. */
export async function bareWait(call: BareCall): Promise<unknown> {
  let released = false;
  setHandler(release, () => {
    released = true;
  });
  await condition(() => released);
  return callTool(call);
}
