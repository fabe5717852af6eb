import type { WorkflowExecutionInfo } from '@temporalio/client';
import { accountOf } from '../contracts/accounts.ts';
import { mcpServerIdAttribute, mcpStepStatus } from '../contracts/search-attributes.ts';
import type { AwaitingInputReason, StepStatus, StepView } from '../contracts/step.ts';
import { createdAtOf, STATE_MEMO, type StepStateMemo } from '../contracts/step-memo.ts';
import { stepIdIn, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { isStepOf, type StartedAs } from './step-identity.ts';

/** What `GET /steps` shows of a step: everything that needs neither its worker nor its history. */
export type StepSummary = Omit<StepView, 'timeline' | 'pending' | 'result' | 'connections'>;

/** The fields that lists and descriptions of an execution share. */
export type Execution = Pick<
  WorkflowExecutionInfo,
  'type' | 'workflowId' | 'status' | 'startTime' | 'typedSearchAttributes'
> & { memo?: Record<string, unknown> | undefined; closeTime?: Date | undefined };

/** Summarizes a step from what Temporal knows, without asking a worker. */
export function summaryOf(execution: Execution, stepId: string, started: StartedAs): StepSummary {
  const state = stateOf(execution);
  const identity = { ...started, ...state };
  const createdAt = createdAtOfStep(execution);
  const server = execution.typedSearchAttributes.get(mcpServerIdAttribute);
  return {
    ...(identity.kind !== undefined && { kind: identity.kind }),
    workflowId: execution.workflowId,
    mcpServerId: identity.mcpServerId ?? server ?? '',
    tool: identity.tool ?? '',
    ...(identity.title !== undefined && { title: identity.title }),
    mode: identity.mode ?? 'fully-automated',
    createdAt,
    ...(isCurrent(execution, state) && state),
    // Not the id that the workflow reports: older workers reported the workflow id.
    stepId,
    account: accountOf(identity),
    status: statusOf(execution),
    updatedAt: execution.closeTime?.toISOString() ?? state?.updatedAt ?? createdAt,
  };
}

/**
 * Returns the step id under which the user finds an execution. Returns undefined if there is none: the execution
 * belongs to another user, or its workflow id has another form.
 */
export function stepIdOf(userId: string, execution: Execution, started: StartedAs): string | undefined {
  const { workflowId } = execution;
  if (!isStepOf(userId, execution, started)) return undefined;
  const named = [started.stepId, stateOf(execution)?.stepId, stepIdIn(workflowId)];
  return named.find((stepId) => stepId !== undefined && stepWorkflowIds(userId, stepId).includes(workflowId));
}

/** When the step was created, in ISO 8601. One that continued as new keeps its time. */
export function createdAtOfStep(execution: Execution): string {
  return stateOf(execution)?.createdAt ?? createdAtOf(execution.memo, execution.startTime);
}

/** Completed with the last status `running` means success: the happy path does not write a status at its end. */
export function statusOf(execution: Execution): StepStatus {
  const reported = stateOf(execution)?.status ?? execution.typedSearchAttributes.get(mcpStepStatus);
  switch (execution.status.name) {
    case 'COMPLETED':
      return reported === 'error' || reported === 'skipped' ? reported : 'success';
    case 'CANCELLED':
    case 'TERMINATED':
      return 'cancelled';
    case 'FAILED':
      // A withdrawn step that its parent did not cancel.
      return reported === 'cancelled' ? 'cancelled' : 'error';
    case 'TIMED_OUT':
      return 'error';
    default:
      return reported === 'awaiting-input' ? 'awaiting-input' : 'running';
  }
}

/** Returns what a paused step waits for. */
export function awaitingInputReasonOf(execution: Execution): AwaitingInputReason | undefined {
  return statusOf(execution) === 'awaiting-input' ? stateOf(execution)?.awaitingInputReason : undefined;
}

/** When an open step last changed its state, in milliseconds since 1970: when the pause began in which it is. */
export function changedAt(execution: Execution): number {
  const changed = Date.parse(stateOf(execution)?.updatedAt ?? '');
  return Number.isNaN(changed) ? execution.startTime.getTime() : changed;
}

// Checks the fields that this file uses and trusts the others to be as the workflow wrote them.
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

// The state that a step wrote last is out of date when the step succeeded or was terminated in a pause.
function isCurrent(execution: Execution, state: StepStateMemo | undefined): boolean {
  return state?.status === statusOf(execution);
}
