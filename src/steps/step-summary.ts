import type { WorkflowExecutionInfo } from '@temporalio/client';
import { mcpServerIdAttribute, mcpStepStatus } from '../contracts/search-attributes.ts';
import type { StepStatus } from '../contracts/step.ts';
import { memoOf } from '../contracts/step-memo.ts';
import { STATE_MEMO, type StepStateMemo } from '../contracts/step-state-memo.ts';
import { stepIdIn } from '../contracts/step-workflow-id.ts';
import type { StepSummary } from './step-client.ts';

/** What lists and descriptions of an execution have in common. */
export type Execution = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'status' | 'startTime' | 'typedSearchAttributes'
> & { memo?: Record<string, unknown> | undefined; closeTime?: Date | undefined };

/** A step by its memo and search attributes alone: neither its worker nor its history is asked. */
export function summaryOf(execution: Execution): StepSummary {
  const state = stateOf(execution);
  const identity = memoOf(execution.memo) ?? state;
  const server = execution.typedSearchAttributes.get(mcpServerIdAttribute);
  return {
    stepId: identity?.stepId ?? stepIdIn(execution.workflowId),
    workflowId: execution.workflowId,
    mcpServerId: identity?.mcpServerId ?? server ?? '',
    tool: identity?.tool ?? '',
    ...(identity?.title !== undefined && { title: identity.title }),
    mode: identity?.mode ?? 'fully-automated',
    createdAt: execution.startTime.toISOString(),
    ...(isCurrent(execution, state) && state),
    status: statusOf(execution),
    updatedAt: execution.closeTime?.toISOString() ?? state?.updatedAt ?? execution.startTime.toISOString(),
  };
}

/** Completed with `running` is success: the happy path writes nothing at its end. */
export function statusOf(execution: Execution): StepStatus {
  const told = stateOf(execution)?.status ?? execution.typedSearchAttributes.get(mcpStepStatus);
  switch (execution.status.name) {
    case 'COMPLETED':
      return told === 'error' || told === 'skipped' ? told : 'success';
    case 'CANCELLED':
    case 'TERMINATED':
      return 'cancelled';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'error';
    default:
      return told === 'awaiting-input' ? 'awaiting-input' : 'running';
  }
}

// The cast trusts what the workflow wrote: only it uses the key.
function stateOf({ memo }: Execution): StepStateMemo | undefined {
  return memo?.[STATE_MEMO] as StepStateMemo | undefined;
}

// What a step wrote last is out of date when it succeeded, or was terminated in a pause.
function isCurrent(execution: Execution, state: StepStateMemo | undefined): boolean {
  return state?.status === statusOf(execution);
}
