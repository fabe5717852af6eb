import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { accountMember, accountOf } from '../contracts/accounts.ts';
import { stepSearchAttributes } from '../contracts/search-attributes.ts';
import type { McpStepInput, StepView } from '../contracts/step.ts';
import { isSameRequest, MEMO_KEY, memoOf, type StepMemo, stepMemo } from '../contracts/step-memo.ts';
import { fairnessKey, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';
import { describeStep } from './describe-step.ts';
import { describeIfOfUser } from './read-step.ts';

export type StartStepOutcome =
  /** A new step runs. */
  | { kind: 'started'; step: StepView }
  /** The same step was started before, and Temporal still retains it. */
  | { kind: 'existing'; step: StepView }
  /** The id belongs to a step that was started with another request. */
  | { kind: 'conflict' };

export interface StartDependencies {
  client: Client;
  taskQueue: string;
}

export type StartInput = McpStepInput & { stepId: string };

/** `taken`: the id belongs to an execution that was started before, with this request or another one. */
export type StartOutcome = { kind: 'started'; step: StepView } | { kind: 'taken'; sameRequest: boolean };

/** Starts the step's workflow unless the user has a step with this id. */
export async function startUnlessTaken(deps: StartDependencies, input: StartInput): Promise<StartOutcome> {
  const [workflowId = '', ...former] = stepWorkflowIds(input.userId, input.stepId);
  // Temporal refuses a second start under the same workflow id. It would accept one while the step has the id
  // that an older version gave it.
  for (const id of former) {
    const taken = await describeIfOfUser(deps, input.userId, id);
    if (taken !== undefined) return takenBy(taken, input);
  }
  const memo = stepMemo(input);
  try {
    await startWithOrWithoutAttributes(deps, { workflowId, input: withoutDefaultAccount(input), memo });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return takenBy(await describeStep(deps.client, workflowId), input);
  }
  // Temporal's start time, which every later answer shows. The step runs even if the time can't be read.
  const startTime = await describeStep(deps.client, workflowId).then(
    (described) => described.startTime,
    () => new Date(),
  );
  return { kind: 'started', step: viewAtStart(workflowId, memo, startTime.toISOString()) };
}

// The default account is left out, so that such a step also runs on a worker that knows no accounts.
function withoutDefaultAccount({ account, ...input }: StartInput): StartInput {
  return { ...input, ...accountMember(account) };
}

function takenBy(taken: WorkflowExecutionDescription, input: StartInput): StartOutcome {
  const hash = memoOf(taken.memo)?.requestHash;
  return { kind: 'taken', sameRequest: hash !== undefined && isSameRequest(input, hash) };
}

interface WorkflowStart {
  workflowId: string;
  input: StartInput;
  memo: StepMemo;
}

// A namespace without the search attributes refuses a start that carries them.
async function startWithOrWithoutAttributes(deps: StartDependencies, start: WorkflowStart): Promise<void> {
  try {
    await startWorkflow(deps, start, { withAttributes: true });
  } catch (error) {
    if (!isInvalidArgument(error)) throw error;
    await startWorkflow(deps, start, { withAttributes: false });
  }
}

async function startWorkflow(
  { client, taskQueue }: StartDependencies,
  { workflowId, input, memo }: WorkflowStart,
  { withAttributes }: { withAttributes: boolean },
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
  const account = accountOf(memo);
  return {
    stepId,
    workflowId,
    mcpServerId,
    account,
    tool,
    ...(title !== undefined && { title }),
    mode,
    status: 'running',
    timeline: [{ at: now, event: 'started' }],
    createdAt: now,
    updatedAt: now,
  };
}
