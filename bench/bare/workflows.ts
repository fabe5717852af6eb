/**
 * What a team would write without Latchkey, and what steps are compared with: one activity that makes the call. These
 * workflows do not renew tokens, do not pause, and do not record a lost call.
 */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import { RELEASE } from '../names.ts';
import type { BareActivities } from './activities.ts';
import type { BareCall } from './call.ts';

const { callTool } = proxyActivities<BareActivities>({
  startToCloseTimeout: '5 minutes',
  retry: { maximumAttempts: 1 },
});

export async function bareCall(call: BareCall): Promise<unknown> {
  return callTool(call);
}

const release = defineSignal(RELEASE);

/** Waits for the signal first. */
export async function bareWait(call: BareCall): Promise<unknown> {
  let released = false;
  setHandler(release, () => {
    released = true;
  });
  await condition(() => released);
  return callTool(call);
}
