import { CancellationScope } from '@temporalio/workflow';
import { requestHash } from '../contracts/step-memo.ts';
import { type AgentStepOutcome, type KeptStep, type StepOfAgent, startKeptStep } from './agent-step.ts';

type StepOptions = Parameters<typeof startKeptStep>[1];

interface Kept {
  stepId: string;
  step: KeptStep;
}

// The sandbox evaluates modules once for each run of a workflow, so this map belongs to one run. All adapters share it,
// because an agent that lists its tools again, or hands off to another agent, has several callers.
const run = { kept: new Map<string, Kept[]>() };

/**
 * Starts a step that is kept if it pauses, or joins the one that was kept for the same call: a second step would be a
 * second way for the call to run. Returns the id of the step that the outcome is of. A call that is cancelled already
 * starts and joins nothing.
 *
 * @throws CancelledFailure or ChildWorkflowFailure if the call was cancelled
 */
export async function startOrJoin(
  { stepId, ...request }: StepOfAgent,
  options: StepOptions,
): Promise<{ stepId: string; outcome: AgentStepOutcome }> {
  const { consideredCancelled, cancelRequested } = CancellationScope.current();
  if (consideredCancelled) await cancelRequested;
  const sameCalls = keptFor(JSON.stringify([options.taskQueue, requestHash(request)]));
  const one = sameCalls.shift() ?? { stepId, step: startKeptStep({ ...request, stepId }, options) };
  const outcome = await one.step.next();
  if (outcome.kind === 'paused') sameCalls.push(one);
  return { stepId: one.stepId, outcome };
}

function keptFor(key: string): Kept[] {
  const kept = run.kept.get(key) ?? [];
  run.kept.set(key, kept);
  return kept;
}
