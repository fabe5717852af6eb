import type { Client } from '@temporalio/client';
import { forEachOf } from '../async/for-each-of.ts';
import { isNotFound, temporalCall } from './temporal-call.ts';

/** temporal.api.enums.v1.WorkflowExecutionStatus: completed, failed, cancelled, terminated, timed out. */
const ENDED = [2, 3, 4, 5, 7];

/**
 * The workflow ids whose latest run has not ended; not those that Temporal knows no more. A status that we do not
 * know counts as open.
 *
 * @throws TemporalUnavailable
 */
export async function whichAreOpen(
  client: Client,
  workflowIds: string[],
  eachWithinMs?: number,
): Promise<string[]> {
  const open = await forEachOf(workflowIds, (workflowId) => isOpen(client, workflowId, eachWithinMs));
  return workflowIds.filter((_, index) => open[index]);
}

// Asked of the service itself: the SDK's own answer decodes the memo, and fails where it can't.
async function isOpen(client: Client, workflowId: string, withinMs?: number): Promise<boolean> {
  const { namespace } = client.options;
  const request = { namespace, execution: { workflowId } };
  try {
    const describe = () => client.workflowService.describeWorkflowExecution(request);
    const { workflowExecutionInfo } = await temporalCall(client, describe, withinMs);
    return !ENDED.includes(Number(workflowExecutionInfo?.status));
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
