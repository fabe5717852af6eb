import type { Client } from '@temporalio/client';
import { temporalTime } from './server-time.ts';
import { temporalCall } from './temporal-call.ts';

/** temporal.api.enums.v1.TaskQueueType */
const [WORKFLOW, ACTIVITY] = [1, 2];
/** A worker that waits for tasks polls at least once a minute. */
const MAX_POLL_AGE_MS = 70_000;

/**
 * Returns the identities of the workers that polled this task queue within the last minute. They are running, or ended
 * just now.
 *
 * @throws TemporalUnavailable
 */
export async function activePollers(client: Client, taskQueue: string): Promise<string[]> {
  const { namespace } = client.options;
  const identities = new Set<string>();
  const activeSince = (await temporalTime(client)).getTime() - MAX_POLL_AGE_MS;
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
