/**
 * What webhooks, the log and the step's parent are told of a step. Copied field by field, so that none can ever contain
 * arguments or a result.
 */
import { workflowInfo } from '@temporalio/workflow';
import { accountMember, accountOf } from '../../contracts/accounts.ts';
import type { StepNotice } from '../../contracts/messages.ts';
import { present } from '../../contracts/present.ts';
import type { AwaitedConnectionView, StepError, StepStatus } from '../../contracts/step.ts';
import type { PausedStep } from '../../contracts/step-log.ts';
import type { StepEventData } from '../../contracts/webhooks.ts';
import type { Pause, Recorded } from './recorded.ts';

export function eventDataOf(
  recorded: Recorded,
  { status, pause, error }: { status: StepStatus; pause: Pause | undefined; error: StepError | undefined },
): StepEventData {
  const { userId, stepId } = recorded;
  const { mcpServerId, account } = shownConnection(recorded, pause);
  const { awaitingInputReason, connectionReason, connectUrl, connections } = pause ?? {};
  return {
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
  };
}

export function pausedStepOf(recorded: Recorded, pause: Pause): PausedStep {
  const { userId, stepId } = recorded;
  const { mcpServerId, account } = shownConnection(recorded, pause);
  const { awaitingInputReason: reason, connectionReason } = pause;
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

export function noticeOf(pause: Pause): StepNotice {
  const { awaitingInputReason, connectUrl, connectionReason, requiredScopes } = pause;
  return {
    event: 'paused',
    awaitingInputReason,
    ...present({ connectUrl, connectionReason, requiredScopes }),
  };
}

// A paused listing shows the first of the connections that it waits for.
function shownConnection(recorded: Recorded, pause: Pause | undefined) {
  const { mcpServerId = recorded.mcpServerId, account = recorded.account } = pause ?? {};
  return { mcpServerId, account };
}

function linkOf({ mcpServerId, account, connectUrl }: AwaitedConnectionView) {
  return { mcpServerId, account, connectUrl };
}
