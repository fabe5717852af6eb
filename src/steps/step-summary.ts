import type { WorkflowExecutionInfo } from '@temporalio/client';
import { mcpServerIdAttribute, mcpStepStatus } from '../contracts/search-attributes.ts';
import type { StepStatus } from '../contracts/step.ts';
import { STATE_MEMO, type StepStateMemo } from '../contracts/step-memo.ts';
import { stepIdIn, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import type { StepSummary } from './step-client.ts';
import { isStepOf, type StartedAs } from './step-identity.ts';

/** What lists and descriptions of an execution have in common. */
export type Execution = Pick<
  WorkflowExecutionInfo,
  'type' | 'workflowId' | 'status' | 'startTime' | 'typedSearchAttributes'
> & { memo?: Record<string, unknown> | undefined; closeTime?: Date | undefined };

/** A step by what Temporal knows of it: its worker is not asked. */
export function summaryOf(execution: Execution, stepId: string, started: StartedAs): StepSummary {
  const state = stateOf(execution);
  const identity = { ...started, ...state };
  const server = execution.typedSearchAttributes.get(mcpServerIdAttribute);
  return {
    workflowId: execution.workflowId,
    mcpServerId: identity.mcpServerId ?? server ?? '',
    tool: identity.tool ?? '',
    ...(identity.title !== undefined && { title: identity.title }),
    mode: identity.mode ?? 'fully-automated',
    createdAt: state?.createdAt ?? execution.startTime.toISOString(),
    ...(isCurrent(execution, state) && state),
    // Not as the step itself may say: workers of before took the workflow id for it.
    stepId,
    status: statusOf(execution),
    updatedAt: execution.closeTime?.toISOString() ?? state?.updatedAt ?? execution.startTime.toISOString(),
  };
}

/**
 * The step id that the user finds an execution by; undefined where no id leads there: then it is none of theirs, or
 * its workflow id has another form.
 */
export function stepIdOf(userId: string, execution: Execution, started: StartedAs): string | undefined {
  const { workflowId } = execution;
  if (!isStepOf(userId, execution, started)) return undefined;
  const named = [started.stepId, stateOf(execution)?.stepId, stepIdIn(workflowId)];
  return named.find((stepId) => stepId !== undefined && stepWorkflowIds(userId, stepId).includes(workflowId));
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

// The rest is trusted to be what the workflow wrote.
function stateOf({ memo }: Execution): StepStateMemo | undefined {
  const state = memo?.[STATE_MEMO];
  return isState(state) ? state : undefined;
}

const STATUSES: readonly unknown[] = [
  'running',
  'awaiting-input',
  'success',
  'error',
  'skipped',
  'cancelled',
];
const TEXTS = ['stepId', 'mcpServerId', 'tool', 'mode', 'createdAt', 'updatedAt'] as const;

function isState(value: unknown): value is StepStateMemo {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof StepStateMemo, unknown>> = value;
  return STATUSES.includes(fields.status) && TEXTS.every((name) => typeof fields[name] === 'string');
}

// What a step wrote last is out of date when it succeeded, or was terminated in a pause.
function isCurrent(execution: Execution, state: StepStateMemo | undefined): boolean {
  return state?.status === statusOf(execution);
}
