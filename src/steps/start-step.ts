import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { stepSearchAttributes } from '../contracts/search-attributes.ts';
import type { McpStepInput, StepView } from '../contracts/step.ts';
import { isSameRequest, MEMO_KEY, memoOf, type StepMemo, stepMemo } from '../contracts/step-memo.ts';
import { fairnessKey, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';
import { describe } from './describe.ts';
import { describeIfOwn } from './read-step.ts';

export type StartInput = McpStepInput & { stepId: string };

/** `taken`: the id belongs to an execution that was started before, with this request or another. */
export type StartOutcome = { kind: 'started'; step: StepView } | { kind: 'taken'; sameRequest: boolean };

export async function startStep(
  deps: { client: Client; taskQueue: string },
  input: StartInput,
): Promise<StartOutcome> {
  const [workflowId = '', ...former] = stepWorkflowIds(input.userId, input.stepId);
  // Temporal refuses a second start under one id, not under the one that the step had before.
  for (const id of former) {
    const taken = await describeIfOwn(deps, input.userId, id);
    if (taken !== undefined) return takenBy(taken, input);
  }
  const memo = stepMemo(input);
  try {
    await startOrWithoutAttributes(deps, workflowId, input, memo);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return takenBy(await describe(deps.client, workflowId), input);
  }
  // The time of its start as Temporal, and so every other answer, has it. The step runs also where it can't be had.
  const startTime = await describe(deps.client, workflowId).then(
    (described) => described.startTime,
    () => new Date(),
  );
  return { kind: 'started', step: viewAtStart(workflowId, memo, startTime.toISOString()) };
}

function takenBy(taken: WorkflowExecutionDescription, input: StartInput): StartOutcome {
  const hash = memoOf(taken.memo)?.requestHash;
  return { kind: 'taken', sameRequest: hash !== undefined && isSameRequest(input, hash) };
}

// A namespace without the search attributes refuses a start that carries them.
async function startOrWithoutAttributes(
  deps: { client: Client; taskQueue: string },
  workflowId: string,
  input: StartInput,
  memo: StepMemo,
): Promise<void> {
  try {
    await start(deps, workflowId, input, memo, true);
  } catch (error) {
    if (!isInvalidArgument(error)) throw error;
    await start(deps, workflowId, input, memo, false);
  }
}

async function start(
  { client, taskQueue }: { client: Client; taskQueue: string },
  workflowId: string,
  input: StartInput,
  memo: StepMemo,
  withAttributes: boolean,
): Promise<void> {
  await temporalCall(client, () =>
    client.workflow.start('mcpStep', {
      taskQueue,
      workflowId,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      memo: { [MEMO_KEY]: memo },
      ...(withAttributes && { typedSearchAttributes: stepSearchAttributes(input) }),
      priority: { fairnessKey: fairnessKey(input.userId) },
    }),
  );
}

function viewAtStart(workflowId: string, memo: StepMemo, now: string): StepView {
  const { stepId, mcpServerId, tool, title, mode } = memo;
  return {
    stepId,
    workflowId,
    mcpServerId,
    tool,
    ...(title !== undefined && { title }),
    mode,
    status: 'running',
    timeline: [{ at: now, event: 'started' }],
    createdAt: now,
    updatedAt: now,
  };
}
