import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { temporalCall } from './temporal-call.ts';

/** Nobody polls it: what is started there stays where it is. */
const TASK_QUEUE = 'latchkey-clock';

/**
 * What time it is for Temporal, whose clock need not be this machine's. It says so only of what happens in it: a
 * workflow is started for it, which runs nowhere, and ended.
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
  await temporalCall(client, () => started.terminate('it has told the time'));
  return startTime;
}
