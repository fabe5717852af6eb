import {
  ActivityFailure,
  continueAsNew,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';

/** Servers at a time; each has a few requests under way. */
const AT_ONCE = 10;

const { listServersWithIdleGrants } = proxyActivities<Pick<LatchkeyActivities, 'listServersWithIdleGrants'>>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

const activities = proxyActivities<Pick<LatchkeyActivities, 'renewIdleGrants'>>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  retry: { maximumAttempts: 3 },
});

/**
 * Run by the schedule `latchkey-renew-idle`: renews the grants that their authorization servers would soon forget,
 * server by server, an activity each. One server's trouble is its own; what is left, the next run finds.
 *
 * @param after the id of the last server that is done, where a run with many continues as new
 */
export async function renewIdleGrants(after = ''): Promise<void> {
  for (let last = after; ; ) {
    const mcpServerIds = await listServersWithIdleGrants({ after: last });
    const lastOfPage = mcpServerIds.at(-1);
    if (lastOfPage === undefined) return;
    last = lastOfPage;
    const left = mcpServerIds.values();
    await Promise.all(Array.from({ length: AT_ONCE }, () => renewOneByOne(left)));
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof renewIdleGrants>(last);
  }
}

// Several share one list: whoever is done with a server takes the next.
async function renewOneByOne(mcpServerIds: Iterable<string>): Promise<void> {
  for (const mcpServerId of mcpServerIds) {
    try {
      await activities.renewIdleGrants({ mcpServerId });
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    }
  }
}
