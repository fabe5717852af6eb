import { randomUUID } from 'node:crypto';
import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { accountOf } from '../contracts/accounts.ts';
import { type approve, REFUSED, type reject, type resolve } from '../contracts/messages.ts';
import type { StepView } from '../contracts/step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';

/** The outcome of a decision that was sent to a step. */
export type DecisionOutcome =
  /** The step has acted on it: it runs again, or has ended. */
  | { kind: 'applied'; step: StepView }
  /** The user has no such step. */
  | { kind: 'not-found' }
  /** The step does not wait for this decision, or no longer does. */
  | { kind: 'not-waiting'; message: string }
  /** The message is malformed, or the arguments do not fit the tool's schema; the step still waits. */
  | { kind: 'invalid'; message: string }
  /** The edited arguments can't be checked now; the step still waits. */
  | { kind: 'unchecked'; message: string }
  /** Too many edits were refused within a minute; the step still waits. */
  | { kind: 'too-many'; message: string; retryAfterMs: number }
  /** No worker answered within 10 s. The decision may still be applied. */
  | { kind: 'no-worker' };

/** Longer than a check of edited arguments usually takes, shorter than callers wait. */
const UPDATE_TIMEOUT_MS = 10_000;

/** The `ApplicationFailure.type` that Temporal gives an accepted update whose workflow ended before it completed. */
const ENDED_BEFORE_COMPLETION = 'AcceptedUpdateCompletedWorkflow';

export type Update = typeof approve | typeof reject | typeof resolve;

/**
 * Sends an update to a step and waits until the step has acted on it. The update has an id, so that a request that
 * the SDK repeats is one update.
 */
export async function sendDecision(
  client: Client,
  {
    workflowId,
    update,
    message,
    by,
  }: { workflowId: string; update: Update; message: unknown; by: string | undefined },
): Promise<DecisionOutcome> {
  const handle = client.workflow.getHandle(workflowId);
  const args: [unknown, unknown] = [message, by];
  const send = async (): Promise<DecisionOutcome> => {
    try {
      const options = { args, updateId: randomUUID() };
      const step = await client.withDeadline(Date.now() + UPDATE_TIMEOUT_MS, () =>
        handle.executeUpdate<StepView, [unknown, unknown]>(update.name, options),
      );
      // An older worker names no account.
      return { kind: 'applied', step: { ...step, account: accountOf(step) } };
    } catch (error) {
      return refusalOrThrow(error);
    }
  };
  // Longer than the update's own deadline, so that the update's error says why there is no answer.
  return temporalCall(client, send, UPDATE_TIMEOUT_MS + 1_000);
}

function refusalOrThrow(error: unknown): DecisionOutcome {
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
    case ENDED_BEFORE_COMPLETION:
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
