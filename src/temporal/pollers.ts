import type { Client } from '@temporalio/client';
import { temporalTime } from './server-time.ts';
import { temporalCall } from './temporal-call.ts';

/** temporal.api.enums.v1.TaskQueueType */
const [WORKFLOW, ACTIVITY] = [1, 2];
/** A worker that waits for tasks says so at least once a minute. */
const ACTIVE_WITHIN_MS = 70_000;

/**
 * The workers that have asked this task queue for work within the last minute, by identity: they run, or have
 * only just ended.
 *
 * @throws TemporalUnavailable
 */
export async function activePollers(client: Client, taskQueue: string): Promise<string[]> {
  const { namespace } = client.options;
  const identities = new Set<string>();
  const activeSince = (await temporalTime(client)).getTime() - ACTIVE_WITHIN_MS;
  for (const taskQueueType of [WORKFLOW, ACTIVITY]) {
    const { pollers } = await temporalCall(client, () =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType }),
    );
    for (const { identity, lastAccessTime } of pollers ?? []) {
      const seconds = Number(lastAccessTime?.seconds ?? 0);
      if (seconds * 1000 > activeSince) identities.add(String(identity));
    }
  }
  return [...identities];
}
