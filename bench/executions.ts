import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../src/async/map-concurrently.ts';

const LOOK_AGAIN_MS = 250;
/** Seldom, because each look at a list costs Temporal's server more the longer the list is. */
export const LOOK_FOR_ENDS_EVERY_MS = 2_000;

/** Waits until Temporal lists as many executions as `isReached` wants. */
export async function untilCount(
  client: Client,
  query: string,
  isReached: (count: number) => boolean,
  everyMs = LOOK_AGAIN_MS,
): Promise<void> {
  for (;;) {
    const { count } = await client.workflow.count(query);
    if (isReached(count)) return;
    await delay(everyMs);
  }
}

/**
 * Waits until no execution of the query is open, and returns when the last one ended, in milliseconds since the epoch.
 *
 * @throws unless `expected` executions have completed
 */
export async function untilAllCompleted(client: Client, query: string, expected: number): Promise<number> {
  const completed = `${query} AND ExecutionStatus = "Completed"`;
  await untilCount(client, completed, (count) => count >= expected, LOOK_FOR_ENDS_EVERY_MS);
  const ends: number[] = [];
  for await (const { closeTime } of client.workflow.list({ query, pageSize: 1_000 })) {
    if (closeTime !== undefined) ends.push(closeTime.getTime());
  }
  if (ends.length !== expected) throw new Error(`${ends.length} of ${expected} workflows have ended`);
  return Math.max(...ends);
}

/** Waits until none of them has a workflow task that a worker still has to do. */
export async function untilIdle(client: Client, workflowIds: readonly string[]): Promise<void> {
  await mapConcurrently(workflowIds, async (id) => {
    while ((await client.workflow.getHandle(id).describe()).raw.pendingWorkflowTask)
      await delay(LOOK_AGAIN_MS);
  });
}

/** Ends what a phase has left open. */
export async function terminateAll(client: Client, query: string): Promise<void> {
  const open: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 1_000 })) open.push(workflowId);
  // One may have ended by itself meanwhile.
  await mapConcurrently(open, (id) =>
    client.workflow
      .getHandle(id)
      .terminate('measured')
      .catch(() => {}),
  );
  await untilCount(client, query, (count) => count === 0);
}
