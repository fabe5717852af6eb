import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { InvokeToolOutcome } from '../contracts/activities.ts';
import { step as stepQuery } from '../contracts/messages.ts';
import type { McpStepInput, McpStepResult } from '../contracts/step.ts';
import type { CredentialVersions } from '../contracts/versions.ts';
import { attemptCall } from './attempt-call.ts';
import { awaitDeposit } from './await-deposit.ts';
import { CredentialWatch } from './credential-watch.ts';
import { renewToken } from './renew-token.ts';
import { removeWaiter } from './step-activities.ts';
import { parseStepInput, planForBadInput } from './step-input.ts';
import { fail, type Reaction, succeed, toolFailed } from './step-outcome.ts';
import type { Step, StepProgress } from './step-progress.ts';
import { type CarriedRecord, StepRecord } from './step-record.ts';
import { waitForServer } from './wait-for-server.ts';

/** What a step that continues as new hands to itself; nobody else passes it. */
export interface CarriedStep {
  record: CarriedRecord;
  progress: StepProgress;
}

/**
 * One MCP tool call on behalf of one user. Renews the user's token when it is stale, pauses when only the
 * user can help, and goes on by itself when the credential is deposited again.
 *
 * Expected outcomes are returned, never thrown: bad input is `error: invalid-arguments`.
 */
export async function mcpStep(input: McpStepInput, carriedOver?: CarriedStep): Promise<McpStepResult> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  // Only a step that goes on from another run has handed this to itself; a client may send anything.
  const carried = continuedFromExecutionRunId === undefined ? undefined : carriedOver;
  const parsed = parseStepInput(input, workflowId);
  const plan = parsed.ok ? parsed.plan : planForBadInput(input, workflowId);
  const record = new StepRecord(plan, carried?.record);
  setHandler(stepQuery, () => record.view());
  if (!parsed.ok) return finish(record, fail('invalid-arguments', parsed.message));

  const credential = new CredentialWatch(plan.mcpServerId);
  const step: Step = { plan, record, credential, progress: carried?.progress ?? {} };
  try {
    return await finish(record, await callUntilAnswered(step, input));
  } catch (error) {
    if (isCancellation(error)) await endCancelled(step);
    throw error;
  }
}

async function callUntilAnswered(step: Step, input: McpStepInput): Promise<McpStepResult> {
  for (;;) {
    await continueIfHistoryIsLong(step, input);
    step.credential.forget();
    const outcome = await attemptCall(step.plan, step.progress.justRenewed);
    if (outcome.kind !== 'not-sent') delete step.progress.unsent;
    const end = await react(step, outcome);
    if (end !== 'call-again') return end;
  }
}

async function react(step: Step, outcome: InvokeToolOutcome): Promise<Reaction> {
  switch (outcome.kind) {
    case 'completed':
      return outcome.isError ? toolFailed(outcome.result) : succeed(outcome.result);
    case 'token-stale':
      return renewToken(step, outcome.seen);
    case 'unauthorized':
      return renewOnceAfterRefusal(step, outcome.seen);
    case 'reauth-required':
      return awaitDeposit(step, outcome.seen, outcome.reason);
    case 'not-sent':
      return waitForServer(step, outcome);
    case 'insufficient-scope':
      return fail('forbidden', `the server asks for more scope: ${outcome.requiredScopes.join(' ')}`);
    case 'lost':
      return fail(
        'outcome-unknown',
        'the call was sent and no answer came: the tool may or may not have run',
      );
    case 'failed':
      return fail(outcome.code, outcome.message);
    default:
      return outcome satisfies never;
  }
}

// A token that was only just renewed, or renewed for this very reason before, and is refused again: renewing
// once more would not help.
async function renewOnceAfterRefusal(step: Step, seen: CredentialVersions): Promise<Reaction> {
  const { justRenewed, renewedAfterRefusal } = step.progress;
  if (seen.tokenVersion === justRenewed || seen.credentialVersion === renewedAfterRefusal) {
    return awaitDeposit(step, seen, 'token-rejected');
  }
  step.progress.renewedAfterRefusal = seen.credentialVersion;
  return renewToken(step, seen);
}

async function continueIfHistoryIsLong(step: Step, input: McpStepInput): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return;
  await condition(allHandlersFinished);
  const carried: CarriedStep = { record: step.record.carry(), progress: step.progress };
  await continueAsNew<typeof mcpStep>(input, carried);
}

// Whatever came of the call is the step's result, also when it came in spite of a cancellation; waiting in a
// cancelled scope would throw it away.
async function finish(record: StepRecord, result: McpStepResult): Promise<McpStepResult> {
  record.finish(result);
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return result;
}

// A step that paused may still have its waiter, not only in the pause: a forged signal wakes it without taking
// the waiter away.
async function endCancelled({ progress, record }: Step): Promise<void> {
  if (progress.reauth !== undefined) await CancellationScope.nonCancellable(() => removeWaiter());
  record.cancel();
}
