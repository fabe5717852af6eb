import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { isNotFound, temporalCall } from './temporal-call.ts';

/** temporal.api.enums.v1.WorkflowExecutionStatus: completed, failed, cancelled, terminated, timed out. */
const ENDED = [2, 3, 4, 5, 7];

/**
 * Returns the workflow ids whose latest run has not ended. Leaves out the ids that Temporal does not know. A status
 * that this version does not know counts as open.
 *
 * @param timeoutMs of each request
 * @throws TemporalUnavailable
 */
export async function filterOpen(
  client: Client,
  workflowIds: string[],
  timeoutMs?: number,
): Promise<string[]> {
  const open = await mapConcurrently(workflowIds, (workflowId) => isOpen(client, workflowId, timeoutMs));
  return workflowIds.filter((_, index) => open[index]);
}

// Asks the service itself: the SDK's `describe` decodes the memo and fails if it can't be decoded.
async function isOpen(client: Client, workflowId: string, timeoutMs?: number): Promise<boolean> {
  const { namespace } = client.options;
  const request = { namespace, execution: { workflowId } };
  try {
    const describe = () => client.workflowService.describeWorkflowExecution(request);
    const { workflowExecutionInfo } = await temporalCall(client, describe, timeoutMs);
    return !ENDED.includes(Number(workflowExecutionInfo?.status));
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
