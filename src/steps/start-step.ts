import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { fairnessKey } from '../contracts/fairness-key.ts';
import { stepSearchAttributes } from '../contracts/search-attributes.ts';
import type { McpStepInput, StepView } from '../contracts/step.ts';
import { MEMO_KEY, memoOf, type StepMemo, stepMemo } from '../contracts/step-memo.ts';
import { stepWorkflowId } from '../contracts/step-workflow-id.ts';
import { isInvalidArgument, temporalCall } from './temporal-call.ts';

export type StartInput = McpStepInput & { stepId: string };

/** `taken`: the id belongs to an execution that was started before, with this request or another. */
export type StartOutcome = { kind: 'started'; step: StepView } | { kind: 'taken'; sameRequest: boolean };

export async function startStep(
  deps: { client: Client; taskQueue: string },
  input: StartInput,
): Promise<StartOutcome> {
  const workflowId = stepWorkflowId(input.userId, input.stepId);
  const memo = stepMemo(input);
  try {
    await startOrWithoutAttributes(deps, workflowId, input, memo);
    return { kind: 'started', step: viewAtStart(workflowId, memo) };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const taken = await temporalCall(deps.client, () =>
      deps.client.workflow.getHandle(workflowId).describe(),
    );
    return { kind: 'taken', sameRequest: isSameRequest(taken, memo) };
  }
}

function isSameRequest(taken: WorkflowExecutionDescription, memo: StepMemo): boolean {
  return memoOf(taken.memo)?.requestHash === memo.requestHash;
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

function viewAtStart(workflowId: string, memo: StepMemo): StepView {
  const { stepId, mcpServerId, tool, title, mode } = memo;
  const now = new Date().toISOString();
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
