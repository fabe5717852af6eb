import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { accountMember, accountOf } from '../contracts/accounts.ts';
import { stepSearchAttributes } from '../contracts/search-attributes.ts';
import type { McpStepInput, McpStepResult, StepView } from '../contracts/step.ts';
import {
  isSameRequest,
  MEMO_KEY,
  memoOf,
  REQUEST_MEMO,
  type StepMemo,
  stepMemo,
} from '../contracts/step-memo.ts';
import { fairnessKey, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { toolAtServer } from '../contracts/summaries.ts';
import { describeStep } from './describe-step.ts';
import { describeIfOfUser } from './read-step.ts';
import { withOrWithoutAttributes } from './with-or-without-attributes.ts';

/** What became of a start. */
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
  /** The id of the HTTP request that asks for the step. The step's memo and log lines carry it. */
  requestId?: string | undefined;
}

/** `createdAt` is absent for a start whose answer shows no time, as by Nexus: see `createdAtOf`. */
type BeginDependencies = StartDependencies & Pick<StepMemo, 'createdAt'>;

export type StartInput = McpStepInput & { stepId: string };

/** `taken`: the id belongs to an execution that was started before, with this request or another one. */
export type StartOutcome = { kind: 'started'; step: StepView } | Taken;

interface Taken {
  kind: 'taken';
  workflowId: string;
  sameRequest: boolean;
}

/** Starts the step's workflow unless the user has a step with this id. */
export async function startUnlessTaken(deps: StartDependencies, input: StartInput): Promise<StartOutcome> {
  const { client } = deps;
  const createdAt = new Date().toISOString();
  const begun = await beginUnlessTaken({ ...deps, createdAt }, input, (options) =>
    client.workflow.start('mcpStep', options),
  );
  if (begun.kind === 'taken') return begun;
  return { kind: 'started', step: viewAtStart(begun.workflowId, input, createdAt) };
}

/** The options with which every start of a step starts workflow `mcpStep`. */
export type StepStartOptions = WorkflowStartOptions<(input: StartInput) => Promise<McpStepResult>>;

/** Starts workflow `mcpStep` with these options. */
export type BeginStep<Handle> = (options: StepStartOptions) => Promise<Handle>;

export type BeginOutcome<Handle> = { kind: 'begun'; workflowId: string; handle: Handle } | Taken;

/**
 * Begins the step by `begin` unless the user has a step with this id. `begin` is called a second time, without search
 * attributes, where the namespace does not know them.
 */
export async function beginUnlessTaken<Handle>(
  deps: BeginDependencies,
  input: StartInput,
  begin: BeginStep<Handle>,
): Promise<BeginOutcome<Handle>> {
  const [workflowId = '', ...former] = stepWorkflowIds(input.userId, input.stepId);
  // Temporal refuses a second start under the same workflow id. It would accept one while the step has the id
  // that an older version gave it.
  for (const id of former) {
    const taken = await describeIfOfUser(deps, input.userId, id);
    if (taken !== undefined) return takenBy(taken, input);
  }
  const options = startOptions(deps, workflowId, input);
  try {
    const handle = await withOrWithoutAttributes(deps.client, options, begin);
    return { kind: 'begun', workflowId, handle };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return takenBy(await describeStep(deps.client, workflowId), input);
  }
}

/**
 * Calls `begin` with options by which Temporal attaches it to the running step instead of starting one.
 *
 * @returns undefined where the step has ended meanwhile
 */
export async function joinRunning<Handle>(
  deps: StartDependencies,
  { workflowId, input }: { workflowId: string; input: StartInput },
  begin: BeginStep<Handle>,
): Promise<Handle | undefined> {
  const options: StepStartOptions = {
    ...startOptions(deps, workflowId, input),
    workflowIdConflictPolicy: 'USE_EXISTING',
  };
  try {
    return await withOrWithoutAttributes(deps.client, options, begin);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

function startOptions(
  { taskQueue, requestId, createdAt }: BeginDependencies,
  workflowId: string,
  input: StartInput,
): StepStartOptions {
  const memo = { ...stepMemo(input), ...(createdAt !== undefined && { createdAt }) };
  return {
    taskQueue,
    workflowId,
    args: [withoutDefaultAccount(input)],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    staticSummary: toolAtServer(input),
    memo: { [MEMO_KEY]: memo, ...(requestId !== undefined && { [REQUEST_MEMO]: requestId }) },
    typedSearchAttributes: stepSearchAttributes(input),
    priority: { fairnessKey: fairnessKey(input.userId) },
  };
}

// The default account is left out, so that such a step also runs on a worker that knows no accounts.
function withoutDefaultAccount({ account, ...input }: StartInput): StartInput {
  return { ...input, ...accountMember(account) };
}

function takenBy(taken: WorkflowExecutionDescription, input: StartInput): Taken {
  const hash = memoOf(taken.memo)?.requestHash;
  const sameRequest = hash !== undefined && isSameRequest(input, hash);
  return { kind: 'taken', workflowId: taken.workflowId, sameRequest };
}

function viewAtStart(workflowId: string, input: StartInput, now: string): StepView {
  const { stepId, mcpServerId, tool, title, mode = 'fully-automated' } = input;
  const account = accountOf(input);
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
