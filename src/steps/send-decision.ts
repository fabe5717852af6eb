import { randomUUID } from 'node:crypto';
import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type approve, REFUSED, type reject, type resolve } from '../contracts/messages.ts';
import type { StepView } from '../contracts/step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import type { DecisionOutcome } from './step-client.ts';

/** Longer than the check of edited arguments usually takes, shorter than callers wait for an answer. */
const ANSWER_WITHIN_MS = 10_000;

/** `ApplicationFailure.type` that Temporal itself gives an update whose workflow ended in the meantime. */
const ENDED_MEANWHILE = 'AcceptedUpdateCompletedWorkflow';

export type Update = typeof approve | typeof reject | typeof resolve;

/**
 * Sends a step one of its updates and waits until it has acted on it. The update has an id of its own, so
 * that a request which the SDK repeats is one update.
 */
export async function sendDecision(
  client: Client,
  workflowId: string,
  update: Update,
  message: unknown,
  by: string | undefined,
): Promise<DecisionOutcome> {
  const handle = client.workflow.getHandle(workflowId);
  const args: [unknown, unknown] = [message, by];
  const send = async (): Promise<DecisionOutcome> => {
    try {
      const options = { args, updateId: randomUUID() };
      const step = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        handle.executeUpdate<StepView, [unknown, unknown]>(update.name, options),
      );
      return { kind: 'applied', step };
    } catch (error) {
      return whyNot(error);
    }
  };
  // Later than that, so that it is the update's own end that says why there is no answer.
  return temporalCall(client, send, ANSWER_WITHIN_MS + 1_000);
}

function whyNot(error: unknown): DecisionOutcome {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { kind: 'no-worker' };
  if (error instanceof WorkflowNotFoundError) return hasEnded();
  const refusal = error instanceof WorkflowUpdateFailedError ? refusalOf(error.cause) : undefined;
  if (refusal === undefined) throw error;
  return refusal;
}

function refusalOf(cause: unknown): DecisionOutcome | undefined {
  if (!(cause instanceof ApplicationFailure)) return undefined;
  const { message } = cause;
  switch (cause.type) {
    case REFUSED.notWaiting:
      return { kind: 'not-waiting', message };
    case REFUSED.invalid:
      return { kind: 'invalid', message };
    case REFUSED.unchecked:
      return { kind: 'unchecked', message };
    case REFUSED.tooMany:
      return { kind: 'too-many', message, retryAfterMs: firstNumber(cause.details) };
    case ENDED_MEANWHILE:
      return hasEnded();
    default:
      return undefined;
  }
}

function firstNumber(details: unknown[] | null | undefined): number {
  const [first] = details ?? [];
  return typeof first === 'number' ? first : 0;
}

function hasEnded(): DecisionOutcome {
  return { kind: 'not-waiting', message: 'the step has ended' };
}
