import {
  ChildWorkflowCancellationType,
  type ChildWorkflowOptions,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { STEP_SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { fairnessKey } from '../contracts/step-workflow-id.ts';

/**
 * The options of a child workflow that Latchkey's workers run for a user. It is cancelled with the scope that it runs
 * in and with its parent, and its id is never used again.
 */
export function childOfUser(userId: string, workflowId: string, taskQueue = 'mcp-steps') {
  return {
    taskQueue,
    workflowId,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    priority: { fairnessKey: fairnessKey(userId) },
  } satisfies ChildWorkflowOptions;
}

/** Whether the calling workflow has one of Latchkey's search attributes: then the namespace has them. */
export function parentCarriesAttributes(): boolean {
  const { typedSearchAttributes } = workflowInfo();
  return STEP_SEARCH_ATTRIBUTES.some((key) => typedSearchAttributes.get(key) !== undefined);
}
