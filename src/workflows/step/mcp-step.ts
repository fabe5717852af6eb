import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { InvokeToolOutcome } from '../../contracts/activities.ts';
import { step as stepQuery } from '../../contracts/messages.ts';
import type { McpStepInput, McpStepResult } from '../../contracts/step.ts';
import { acceptRestorations } from './accept-restorations.ts';
import { askForApproval } from './ask-for-approval.ts';
import { attemptCall } from './attempt-call.ts';
import { awaitDeposit } from './await-deposit.ts';
import { CredentialWatch } from './credential-watch.ts';
import { acceptDecisions } from './decisions.ts';
import { problemOfNumbers } from './exact-numbers.ts';
import { resolveLost } from './resolve-lost.ts';
import type { Step } from './step.ts';
import { removeWaiter } from './step-activities.ts';
import { parseStepInput, planForBadInput } from './step-input.ts';
import { fail, succeed, toolFailed } from './step-outcome.ts';
import type { CarriedStep } from './step-progress.ts';
import { StepRecord } from './step-record.ts';
import { untilAnswered } from './until-answered.ts';
import { waitOut } from './wait-for-server.ts';

const ID_SAYS_WHOSE = 'workflow-id-says-whose-step';
const LISTS_TELL_CREATION = 'lists-tell-the-creation-of-continued-steps';

/**
 * One MCP tool call on behalf of one user. Renews the user's token when it is stale, pauses when only the
 * user can help, and goes on by itself when the credential is deposited again.
 *
 * Expected outcomes are returned, never thrown: bad input is `error: invalid-arguments`.
 */
export async function mcpStep(input: McpStepInput, carriedOver?: CarriedStep): Promise<McpStepResult> {
  const { workflowId, continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  // Only a step that continued as new has handed this to itself; a client may send anything, also to a run that
  // follows another by cron or retry.
  const isOwn = continuedFromExecutionRunId !== undefined && cronSchedule === undefined && attempt === 1;
  const carried = isOwn ? carriedOver : undefined;
  // A step of before goes on under the id that it has.
  const isIdBinding = () => carried === undefined && patched(ID_SAYS_WHOSE);
  const parsed = parseStepInput(input, workflowId, isIdBinding);
  const plan = parsed.ok ? parsed.plan : planForBadInput(input, workflowId);
  const record = new StepRecord(plan, carried?.record);
  if (carried === undefined && wasReset()) record.noteReset();
  setHandler(stepQuery, () => record.view());
  if (!parsed.ok) return finish(record, fail('invalid-arguments', parsed.message));
  const inexact = carried === undefined ? problemOfNumbers(input) : undefined;
  if (inexact !== undefined) return finish(record, fail('invalid-arguments', inexact));

  void CancellationScope.current().cancelRequested.catch(() => record.cancelling());
  if (carried !== undefined && patched(LISTS_TELL_CREATION)) record.tellCreation();
  const progress = carried?.progress ?? {};
  const step: Step = {
    input,
    plan,
    record,
    credential: new CredentialWatch(plan.mcpServerId),
    decisions: acceptDecisions({ plan, record, progress }),
    progress,
  };
  acceptRestorations(step);
  try {
    return await finish(record, await runStep(step));
  } catch (error) {
    if (isCancellation(error)) await endCancelled(step);
    throw error;
  }
}

// A step is neither retried nor run by cron, and one that continued as new has a run before it.
function wasReset(): boolean {
  const { runId, firstExecutionRunId, continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  const followsNone =
    continuedFromExecutionRunId === undefined && cronSchedule === undefined && attempt === 1;
  return followsNone && runId !== firstExecutionRunId;
}

async function runStep(step: Step): Promise<McpStepResult> {
  const ended = await waitOn(step);
  if (ended !== undefined) return ended;
  const refusal = await askForApproval(step);
  if (refusal !== undefined) return refusal;
  for (;;) {
    // A step that continued as new while it was finding out about a lost call must not call again before.
    if (step.progress.lost === undefined) {
      const outcome = await untilAnswered(step, () => attemptUnlessLost(step));
      if (outcome.kind === 'ended') return outcome.result;
      if (outcome.kind === 'completed') return answered(step, outcome);
      step.progress.lost = outcome.cause;
      step.record.note('answer-lost', { cause: outcome.cause });
    }
    const reaction = await resolveLost(step, step.progress.lost);
    if (reaction !== 'try-again') return reaction;
    delete step.progress.lost;
  }
}

// Where the run before this one continued as new while it waited.
async function waitOn(step: Step): Promise<McpStepResult | undefined> {
  await waitOut(step);
  const { awaitedDeposit } = step.progress;
  if (awaitedDeposit === undefined) return undefined;
  const reaction = await awaitDeposit(step, awaitedDeposit.seen, awaitedDeposit.pause);
  return reaction === 'try-again' ? undefined : reaction;
}

// The restoration of a backup may be told of at any time, also while the step waits for what keeps it from calling.
async function attemptUnlessLost(step: Step): Promise<InvokeToolOutcome> {
  const { lost } = step.progress;
  return lost === undefined ? attemptCall(step) : { kind: 'lost', cause: lost };
}

function answered(
  { record }: Step,
  { isError, result, progress = [] }: Extract<InvokeToolOutcome, { kind: 'completed' }>,
): McpStepResult {
  for (const { at, ...details } of progress) record.note('progress', details, at);
  return isError ? toolFailed(result) : succeed(result);
}

// Whatever came of the call is the step's result, also when it came in spite of a cancellation.
async function finish(record: StepRecord, result: McpStepResult): Promise<McpStepResult> {
  record.finish(result);
  await allDecided();
  return result;
}

// Waiting in a cancelled scope would throw the result away.
async function allDecided(): Promise<void> {
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
}

// A step that paused may still have its waiter, not only in the pause: a forged signal wakes it without taking
// the waiter away.
async function endCancelled({ progress, record }: Step): Promise<void> {
  if (progress.reauth !== undefined) await CancellationScope.nonCancellable(() => removeWaiter());
  record.cancel();
  await allDecided();
}
