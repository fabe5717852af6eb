import type { Client } from '@temporalio/client';
import { approve, reject, resolve } from '../contracts/messages.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import type { CursorKeys } from './list-cursor.ts';
import { listSteps } from './list-steps.ts';
import { describeOwn, readStep } from './read-step.ts';
import { resolveMany } from './resolve-many.ts';
import { sendDecision, type Update } from './send-decision.ts';
import { type StartInput, startStep } from './start-step.ts';
import type { DecisionOutcome, StartStepOutcome, StepClient } from './step-client.ts';
import { waitForChange } from './wait-for-change.ts';

export interface StepClientDependencies {
  client: Client;
  taskQueue: string;
  /** What cursors of lists are sealed with. Without: they only hold together. */
  cursorKeys?: CursorKeys;
}

export function createStepClient(deps: StepClientDependencies): StepClient {
  return {
    start: (input) => start(deps, input),
    get: (userId, stepId) => readStep(deps, userId, stepId),
    waitForChange: (userId, stepId, options) => waitForChange(deps, userId, stepId, options),
    list: (userId, options) => listSteps(deps, userId, options),
    cancel: (userId, stepId) => cancel(deps, userId, stepId),
    approve: (userId, stepId, message, by) => decide(deps, userId, stepId, approve, message, by),
    reject: (userId, stepId, message, by) => decide(deps, userId, stepId, reject, message, by),
    resolve: (userId, stepId, message, by) => decide(deps, userId, stepId, resolve, message, by),
    resolveMany: (many, by) => resolveMany(deps.client, many, by),
  };
}

async function start(deps: StepClientDependencies, input: StartInput): Promise<StartStepOutcome> {
  const outcome = await startStep(deps, input);
  if (outcome.kind === 'started') return outcome;
  const step = outcome.sameRequest ? await readStep(deps, input.userId, input.stepId) : undefined;
  return step === undefined ? { kind: 'conflict' } : { kind: 'existing', step };
}

async function cancel(deps: StepClientDependencies, userId: string, stepId: string): Promise<boolean> {
  const described = await describeOwn(deps, userId, stepId);
  if (described === undefined) return false;
  const handle = deps.client.workflow.getHandle(described.workflowId);
  await temporalCall(deps.client, () => handle.cancel());
  return true;
}

async function decide(
  deps: StepClientDependencies,
  userId: string,
  stepId: string,
  update: Update,
  message: unknown,
  by: string | undefined,
): Promise<DecisionOutcome> {
  const described = await describeOwn(deps, userId, stepId);
  if (described === undefined) return { kind: 'not-found' };
  return sendDecision(deps.client, described.workflowId, update, message, by);
}
