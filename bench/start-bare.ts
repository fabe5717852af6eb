import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { BARE_QUEUE } from './names.ts';

/** A server that other work slows down answers too late, or not for a moment. */
export const START_ATTEMPTS = 5;

/** Starts a bare workflow through Temporal's client. A start that is repeated with the same id is the same one. */
export async function startBare<Input extends unknown[]>(
  client: Client,
  workflow: string,
  { workflowId, args }: { workflowId: string; args: Input },
  attempts = START_ATTEMPTS,
): Promise<WorkflowHandle> {
  const options: WorkflowStartOptions = {
    workflowId,
    args,
    taskQueue: BARE_QUEUE,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  };
  try {
    return await client.workflow.start(workflow, options);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return client.workflow.getHandle(workflowId);
    if (attempts === 1) throw error;
    return startBare(client, workflow, { workflowId, args }, attempts - 1);
  }
}
