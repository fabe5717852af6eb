/**
 * Tells webhooks and the log what a step does, through sinks: unlike activities, they add no event to history. All data
 * is copied field by field, so that it can never contain arguments or a result.
 */
import { proxySinks, workflowInfo } from '@temporalio/workflow';
import { accountMember, accountOf } from '../../contracts/accounts.ts';
import type {
  AwaitedConnectionView,
  AwaitingInputReason,
  StepError,
  StepStatus,
  StepView,
} from '../../contracts/step.ts';
import type { PausedStep, StepLogSinks } from '../../contracts/step-log.ts';
import type { LatchkeySinks } from '../../contracts/webhooks.ts';

const { webhooks, stepLog } = proxySinks<LatchkeySinks & StepLogSinks>();

/** Whose step it is, and the server and account that it is about. */
export interface StepSubject {
  userId: string;
  stepId: string;
  mcpServerId: string;
  account?: string;
}

/** What is told of a pause. */
type ToldPause = { awaitingInputReason: AwaitingInputReason } & Pick<
  StepView,
  'connectionReason' | 'connectUrl' | 'connections'
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

export function announceChange(
  { userId, stepId, mcpServerId, account }: StepSubject,
  { sequence, at, status, pause, error }: StepChange,
): void {
  const { awaitingInputReason, connectionReason, connectUrl, connections } = pause ?? {};
  webhooks.stepChanged({
    sequence,
    at,
    data: {
      userId,
      stepId,
      workflowId: workflowInfo().workflowId,
      mcpServerId,
      account: accountOf({ account }),
      status,
      ...(awaitingInputReason && { awaitingInputReason }),
      ...(connectionReason && { connectionReason }),
      ...(connectUrl && { connectUrl }),
      ...(connections && { connections: connections.map(linkOf) }),
      ...(error && { errorCode: error.code }),
    },
  });
}

export function logPaused(subject: StepSubject, pause: ToldPause): void {
  stepLog.paused(pausedStep(subject, pause));
}

export function logResumed(subject: StepSubject, pause: ToldPause, waitedMs: number): void {
  stepLog.resumed({ ...pausedStep(subject, pause), waitedMs });
}

function pausedStep(
  { userId, stepId, mcpServerId, account }: StepSubject,
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

function linkOf({ mcpServerId, account, connectUrl }: AwaitedConnectionView) {
  return { mcpServerId, account, connectUrl };
}
