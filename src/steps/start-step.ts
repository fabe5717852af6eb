import { createHash } from 'node:crypto';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { mcpServerIdAttribute, mcpStepStatus, mcpUserId } from '../contracts/search-attributes.ts';
import type { McpStepInput, StepView } from '../contracts/step.ts';
import { stepWorkflowId } from '../contracts/step-workflow-id.ts';
import { MEMO_KEY, memoOf, type StepMemo, stepMemo } from './step-memo.ts';
import { isInvalidArgument, temporalCall } from './temporal-call.ts';

export type StartInput = McpStepInput & { stepId: string };

/** `taken`: the id belongs to an execution that was started before, with this request or another. */
export type StartOutcome = { kind: 'started'; step: StepView } | { kind: 'taken'; sameRequest: boolean };

const FAIRNESS_KEY_BYTES = 64;

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
      ...(withAttributes && { typedSearchAttributes: attributesOf(input) }),
      priority: { fairnessKey: fairnessKey(input.userId) },
    }),
  );
}

function attributesOf({ mcpServerId, userId }: StartInput) {
  return [
    { key: mcpStepStatus, value: 'running' },
    { key: mcpServerIdAttribute, value: mcpServerId },
    { key: mcpUserId, value: userId },
  ];
}

// One user's thousand steps must not make another's one wait; the server takes 64 bytes.
function fairnessKey(userId: string): string {
  return Buffer.byteLength(userId) <= FAIRNESS_KEY_BYTES
    ? userId
    : createHash('sha256').update(userId).digest('base64url');
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
