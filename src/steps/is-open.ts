import { type Client, type WorkflowExecutionStatusName, WorkflowNotFoundError } from '@temporalio/client';
import { temporalCall } from './temporal-call.ts';

const ENDED: readonly WorkflowExecutionStatusName[] = [
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
];

/**
 * Whether the latest run under a workflow id has not ended; false also where Temporal knows none any more. A
 * status that we do not know counts as open.
 *
 * @throws TemporalUnavailable
 */
export async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await temporalCall(client, () => client.workflow.getHandle(workflowId).describe());
    return !ENDED.includes(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
