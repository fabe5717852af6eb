import { type Client, type WorkflowExecutionStatusName, WorkflowNotFoundError } from '@temporalio/client';
import { forEachOf } from './for-each-of.ts';
import { temporalCall } from './temporal-call.ts';

const ENDED: readonly WorkflowExecutionStatusName[] = [
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
];

/**
 * The workflow ids whose latest run has not ended; not those that Temporal knows no more. A status that we do not
 * know counts as open.
 *
 * @throws TemporalUnavailable
 */
export async function whichAreOpen(client: Client, workflowIds: string[]): Promise<string[]> {
  const open = await forEachOf(workflowIds, (workflowId) => isOpen(client, workflowId));
  return workflowIds.filter((_, index) => open[index]);
}

async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await temporalCall(client, () => client.workflow.getHandle(workflowId).describe());
    return !ENDED.includes(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
