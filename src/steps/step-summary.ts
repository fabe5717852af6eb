import type { WorkflowExecutionInfo } from '@temporalio/client';
import { connectUrl } from '../contracts/connect-url.ts';
import { mcpServerIdAttribute, mcpStepStatus } from '../contracts/search-attributes.ts';
import type { StepStatus } from '../contracts/step.ts';
import type { StepSummary } from './step-client.ts';
import { memoOf } from './step-memo.ts';

/** What lists and descriptions of an execution have in common. */
export type Execution = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'status' | 'startTime' | 'typedSearchAttributes'
> & { memo?: Record<string, unknown> | undefined; closeTime?: Date | undefined };

/** A step by its memo and search attributes alone: neither its worker nor its history is asked. */
export function summaryOf(execution: Execution, publicUrl: string): StepSummary {
  const memo = memoOf(execution.memo);
  const mcpServerId = memo?.mcpServerId ?? execution.typedSearchAttributes.get(mcpServerIdAttribute) ?? '';
  const stepId = memo?.stepId ?? execution.workflowId;
  const status = statusOf(execution);
  return {
    stepId,
    workflowId: execution.workflowId,
    mcpServerId,
    tool: memo?.tool ?? '',
    ...(memo?.title !== undefined && { title: memo.title }),
    mode: memo?.mode ?? 'fully-automated',
    status,
    ...(status === 'awaiting-input' && { connectUrl: connectUrl(publicUrl, mcpServerId, stepId) }),
    createdAt: execution.startTime.toISOString(),
    updatedAt: (execution.closeTime ?? execution.startTime).toISOString(),
  };
}

/** Completed with `running` is success: the happy path writes no attribute at its end. */
export function statusOf(execution: Execution): StepStatus {
  const attribute = execution.typedSearchAttributes.get(mcpStepStatus);
  switch (execution.status.name) {
    case 'COMPLETED':
      return attribute === 'error' || attribute === 'skipped' ? attribute : 'success';
    case 'CANCELLED':
    case 'TERMINATED':
      return 'cancelled';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'error';
    default:
      return attribute === 'awaiting-input' ? 'awaiting-input' : 'running';
  }
}
