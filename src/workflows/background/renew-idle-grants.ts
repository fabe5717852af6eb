import {
  ActivityFailure,
  continueAsNew,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';

/** Servers at a time. Each has a few concurrent requests. */
const CONCURRENCY = 10;

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
 * Run by the schedule `latchkey-renew-idle`: renews the grants that would soon expire unused, with one activity for
 * each server. A failure at one server does not affect the others. The next run renews the rest.
 *
 * @param after the id of the last server that is done, when a run with many servers continues as new
 *
 * @internal
 */
export async function renewIdleGrants(after = ''): Promise<void> {
  for (let last = after; ; ) {
    const mcpServerIds = await listServersWithIdleGrants({ after: last });
    const lastOfPage = mcpServerIds.at(-1);
    if (lastOfPage === undefined) return;
    last = lastOfPage;
    const remaining = mcpServerIds.values();
    await Promise.all(Array.from({ length: CONCURRENCY }, () => renewOneByOne(remaining)));
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof renewIdleGrants>(last);
  }
}

// Several calls share one iterator: each takes the next server when it is done with one.
async function renewOneByOne(mcpServerIds: Iterable<string>): Promise<void> {
  for (const mcpServerId of mcpServerIds) {
    try {
      await activities.renewIdleGrants({ mcpServerId });
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    }
  }
}
