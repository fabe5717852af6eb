/**
 * Workflow `mcpStep`: one MCP tool call on behalf of one user. It runs in the workflow sandbox: import nothing but
 * `@temporalio/workflow`, contracts and the files beside this one.
 *
 * A step is in one of these states:
 *
 * - OPENING: checks the input and registers the handlers (open-step.ts)
 * - APPROVAL: asks for approval if the mode requires it; `confirm-destructive` describes the tool first
 *   (ask-for-approval.ts)
 * - CALLING: one attempt to call the tool (attempts.ts)
 * - RENEWING: renews the user's access token (renew-token.ts)
 * - WAITING: waits for the server, a turn, a key or the operator (obstacles.ts), or while the server is paused
 *   (paused-server.ts)
 * - PAUSED: waits for a person, who decides, reconnects or consents (pauses.ts)
 * - LOST: a call was sent and not answered; finds out whether to repeat it (resolve-lost.ts)
 * - ENDED: has a result, or was cancelled
 *
 * and moves between them like this:
 *
 * - OPENING → APPROVAL; → ENDED for invalid input
 * - APPROVAL → CALLING if none is needed; → PAUSED until a person decides; → ENDED if the tool can't be described
 * - CALLING → ENDED when completed, failed, or challenged for the same scopes again; → LOST without an answer; else by the obstacle: → RENEWING
 *   (`token-stale`, `unauthorized`), → PAUSED (`reauth-required`, `insufficient-scope`), → WAITING (`not-sent`,
 *   `key-missing`)
 * - RENEWING → CALLING when renewed; → PAUSED (`reauth-required`); → WAITING (`key-missing`, the operator's client is
 *   refused); → ENDED (`misconfigured`, out of time)
 * - WAITING → the state before it, to try again (after LOST: CALLING); → ENDED after the deadline
 * - PAUSED → CALLING (approved, deposited, retry); → WAITING (the token expired before it was used); → ENDED (rejected,
 *   resolved, deadline)
 * - LOST → WAITING if a repetition is harmless; → PAUSED until a person decides the outcome
 * - PAUSED → ENDED when its parent takes it back (withdrawal.ts)
 * - any state → ENDED when cancelled; → LOST, instead of the next call, when Temporal's history was restored
 *
 * The description of a tool meets the same obstacles as a call. When the history is long, a step continues as new
 * between two attempts, in PAUSED, and in WAITING for the server; the new run returns to the state that
 * `StepProgress` says (continue-as-new.ts).
 */
import { allHandlersFinished, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { InvokeToolOutcome, Obstacle } from '../../contracts/activities.ts';
import type { McpStepInput, McpStepResult } from '../../contracts/step.ts';
import { refuseSecondSdk } from '../one-sdk.ts';
import { askForApproval, needsApproval } from './ask-for-approval.ts';
import { attemptCall, attemptDescription } from './attempts.ts';
import { continueBetweenAttempts, isTimeToContinue } from './continue-as-new.ts';
import {
  isObstacle,
  isOverLimit,
  waitForKey,
  waitForServer,
  waitForTurn,
  waitUntilNotBefore,
} from './obstacles.ts';
import { openStep } from './open-step.ts';
import { isServerPaused, noteResumed, waitUntilResumed, waitWhilePaused } from './paused-server.ts';
import { awaitDeposit, awaitScope } from './pauses.ts';
import { renewOnceAfterRefusal, renewToken } from './renew-token.ts';
import { resolveLost } from './resolve-lost.ts';
import { type Ended, fail, type Reaction, type Step, succeed, toolFailed } from './step.ts';
import { removeWaiter } from './step-activities.ts';
import { type CarriedStep, forgetRenewals } from './step-progress.ts';
import { acceptWithdrawal } from './withdrawal.ts';

/**
 * Makes one MCP tool call on behalf of one user. Expected outcomes are returned and never thrown: bad input is
 * `error: invalid-arguments`.
 *
 * @param carriedOver what a run that continues another one receives; leave it out
 * @throws CancelledFailure if the step was cancelled before it had a result
 */
export async function mcpStep(input: McpStepInput, carriedOver?: CarriedStep): Promise<McpStepResult> {
  refuseSecondSdk();
  const opened = openStep(input, carriedOver);
  if (opened.kind === 'bad-input') {
    opened.record.finish(opened.result);
    return opened.result;
  }
  const { step } = opened;
  const withdrawal = acceptWithdrawal(step);
  try {
    const result = await withdrawal.run(() => runStep(step));
    // A result counts even if it came after a cancellation was requested.
    step.record.finish(result);
    // An `await` costs each step promises, for each of which the SDK traces a stack: only where an update runs.
    if (!allHandlersFinished()) await updatesAnswered();
    return result;
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await endCancelled(step);
    await withdrawal.untilCancelled();
    throw error;
  }
}

/** Runs APPROVAL, then alternates between CALLING and LOST until the step has ended. */
async function runStep(step: Step): Promise<McpStepResult> {
  const describe = () => attemptUntilResolved(step, () => attemptDescription(step));
  const ended =
    (isInWait(step) ? await resumeWait(step) : undefined) ??
    (needsApproval(step) ? await askForApproval(step, describe) : undefined);
  if (ended !== undefined) return ended;
  for (;;) {
    // A new run whose previous run had lost a call resolves that one first.
    if (step.progress.lost === undefined) {
      const outcome = await attemptUntilResolved(step, () => attemptCallUnlessLost(step));
      if (outcome.kind === 'ended') return outcome.result;
      if (outcome.kind === 'completed') return resultOf(step, outcome);
      step.progress.lost = outcome.cause;
      step.record.note('answer-lost', { cause: outcome.cause });
    }
    const reaction = await resolveLost(step, step.progress.lost, describe);
    if (reaction !== 'try-again') return reaction;
    delete step.progress.lost;
  }
}

/** Repeats an attempt, handling each obstacle, until it has an answer or the step has to end. */
async function attemptUntilResolved<Answer extends { kind: string }>(
  step: Step,
  attempt: () => Promise<Answer | Obstacle>,
): Promise<Answer | Ended> {
  const { progress } = step;
  for (;;) {
    if (isTimeToContinue()) await continueBetweenAttempts(step);
    step.credential.clearHint();
    step.server.clearHint();
    const outcome = await attempt();
    if (outcome.kind !== 'key-missing') delete progress.withoutKey;
    if (!isObstacle(outcome) || !isOverLimit(outcome)) delete progress.crowded;
    if (!isObstacle(outcome) || !isServerPaused(outcome)) noteResumed(step);
    // A stale token was not sent, so it says nothing about the server.
    if (outcome.kind !== 'unauthorized' && outcome.kind !== 'token-stale') delete progress.expiredRefusals;
    if (!isObstacle(outcome)) return outcome;
    // The server has answered. A stale token does not prove that: every expiry would extend the deadline of an
    // outage.
    if (outcome.kind === 'insufficient-scope') delete progress.unanswered;
    const reaction = await handleObstacle(step, outcome);
    if (reaction !== 'try-again') return { kind: 'ended', result: reaction };
  }
}

/** Moves to RENEWING, PAUSED, WAITING or ENDED, by the kind of the obstacle. */
async function handleObstacle(step: Step, obstacle: Obstacle): Promise<Reaction> {
  switch (obstacle.kind) {
    case 'token-stale':
      return renewToken(step, obstacle.seen);
    case 'unauthorized':
      return renewOnceAfterRefusal(step, obstacle);
    case 'reauth-required':
      return awaitDeposit(step, obstacle.seen, {
        awaitingInputReason: 'needs-oauth-reauth',
        connectionReason: obstacle.reason,
      });
    case 'insufficient-scope':
      return awaitScope(step, obstacle);
    case 'key-missing':
      forgetRenewals(step.progress);
      return waitForKey(step, obstacle);
    case 'not-sent':
      if (isServerPaused(obstacle)) return waitWhilePaused(step);
      return isOverLimit(obstacle) ? waitForTurn(step, obstacle) : waitForServer(step, obstacle);
    case 'failed':
      return fail(obstacle.code, obstacle.message, obstacle.serverMessage);
    default:
      return obstacle satisfies never;
  }
}

// Whether the previous run continued as new during a wait.
function isInWait({ progress: { notBefore, serverPaused, awaitedDeposit } }: Step): boolean {
  return notBefore !== undefined || serverPaused?.wait !== undefined || awaitedDeposit !== undefined;
}

// Continues the wait during which the previous run continued as new.
async function resumeWait(step: Step): Promise<McpStepResult | undefined> {
  await waitUntilNotBefore(step);
  await waitUntilResumed(step);
  const { awaitedDeposit } = step.progress;
  if (awaitedDeposit === undefined) return undefined;
  const reaction = await awaitDeposit(step, awaitedDeposit.seen, awaitedDeposit.pause);
  return reaction === 'try-again' ? undefined : reaction;
}

// The restore signal can arrive at any time, even while an obstacle is being resolved. Not async, to save
// each step a promise.
function attemptCallUnlessLost(step: Step): Promise<InvokeToolOutcome> {
  const { lost } = step.progress;
  return lost === undefined ? attemptCall(step) : Promise.resolve({ kind: 'lost', cause: lost });
}

function resultOf(
  { record }: Step,
  { isError, result, progress = [] }: Extract<InvokeToolOutcome, { kind: 'completed' }>,
): McpStepResult {
  for (const { at, ...details } of progress) record.note('progress', details, at);
  return isError ? toolFailed(result) : succeed(result);
}

// A step that was ever paused for a deposit may have a waiter: a forged signal ends the pause and leaves the waiter.
async function endCancelled({ progress, record }: Step): Promise<void> {
  if (progress.reauth !== undefined) await CancellationScope.nonCancellable(() => removeWaiter());
  record.cancel();
  if (!allHandlersFinished()) await updatesAnswered();
}

// Not cancellable, because a cancellation here would lose the result.
function updatesAnswered(): Promise<void> {
  return CancellationScope.nonCancellable(() => condition(allHandlersFinished));
}
