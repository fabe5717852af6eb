/**
 * Tells webhooks and the log what a step does, through sinks: unlike activities, they add no event to history. All data
 * is copied field by field, so that it can never contain arguments or a result.
 */
import { proxySinks, workflowInfo } from '@temporalio/workflow';
import { accountMember, accountOf } from '../../contracts/accounts.ts';
import type { AwaitingInputReason, StepError, StepStatus, StepView } from '../../contracts/step.ts';
import type { PausedStep, StepLogSinks } from '../../contracts/step-log.ts';
import type { LatchkeySinks } from '../../contracts/webhooks.ts';
import type { StepPlan } from './step-input.ts';

const { webhooks, stepLog } = proxySinks<LatchkeySinks & StepLogSinks>();

/** What is told of a pause. */
type ToldPause = { awaitingInputReason: AwaitingInputReason } & Pick<
  StepView,
  'connectionReason' | 'connectUrl'
>;

/** A change of a step's status. */
export interface StepChange {
  /** Rises with each change of the run. */
  sequence: number;
  at: string;
  status: StepStatus;
  pause: ToldPause | undefined;
  error: StepError | undefined;
}

export function announceChange(plan: StepPlan, { sequence, at, status, pause, error }: StepChange): void {
  const { userId, stepId, mcpServerId } = plan;
  const { awaitingInputReason, connectionReason, connectUrl } = pause ?? {};
  webhooks.stepChanged({
    sequence,
    at,
    data: {
      userId,
      stepId,
      workflowId: workflowInfo().workflowId,
      mcpServerId,
      account: accountOf(plan),
      status,
      ...(awaitingInputReason && { awaitingInputReason }),
      ...(connectionReason && { connectionReason }),
      ...(connectUrl && { connectUrl }),
      ...(error && { errorCode: error.code }),
    },
  });
}

export function logPaused(plan: StepPlan, pause: ToldPause): void {
  stepLog.paused(pausedStep(plan, pause));
}

export function logResumed(plan: StepPlan, pause: ToldPause, waitedMs: number): void {
  stepLog.resumed({ ...pausedStep(plan, pause), waitedMs });
}

function pausedStep(
  { userId, stepId, mcpServerId, account }: StepPlan,
  { awaitingInputReason: reason, connectionReason }: ToldPause,
): PausedStep {
  return {
    userId,
    stepId,
    workflowId: workflowInfo().workflowId,
    mcpServerId,
    ...accountMember(account),
    reason,
    ...(connectionReason && { connectionReason }),
  };
}
