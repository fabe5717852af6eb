import type { Client } from '@temporalio/client';
import { forEachOf } from '../async/for-each-of.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import type { ExecutionId } from './executions-of-user.ts';

/** Asks the steps to end, whatever they do or wait for. One that has ended stays as it is. */
export async function cancelAll(client: Client, workflowIds: string[]): Promise<void> {
  await forEachOf(workflowIds, async (workflowId) => {
    const handle = client.workflow.getHandle(workflowId);
    await temporalCall(client, () => handle.cancel()).catch(unlessGone);
  });
}

/** Has Temporal delete the histories, with their arguments and results; it takes its time to. */
export async function deleteHistories(client: Client, executions: ExecutionId[]): Promise<void> {
  const { namespace } = client.options;
  await forEachOf(executions, async (workflowExecution) => {
    const request = { namespace, workflowExecution };
    await temporalCall(client, () => client.workflowService.deleteWorkflowExecution(request)).catch(
      unlessGone,
    );
  });
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
