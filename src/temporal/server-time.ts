import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { temporalCall } from './temporal-call.ts';

/** No worker polls this task queue, so a workflow on it never runs. */
const TASK_QUEUE = 'latchkey-clock';

/**
 * Reads Temporal's clock, which may differ from this machine's: starts a workflow that no worker runs, reads its start
 * time, and terminates it.
 *
 * @throws TemporalUnavailable
 */
export async function temporalTime(client: Client): Promise<Date> {
  const started = await temporalCall(client, () =>
    client.workflow.start('latchkeyClock', {
      taskQueue: TASK_QUEUE,
      workflowId: `latchkey-clock/${randomUUID()}`,
      workflowExecutionTimeout: '1m',
    }),
  );
  const { startTime } = await temporalCall(client, () => started.describe());
  await temporalCall(client, () => started.terminate('its start time was read'));
  return startTime;
}
