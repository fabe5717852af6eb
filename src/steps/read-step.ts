import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { step as stepQuery } from '../contracts/messages.ts';
import type { McpStepResult, StepView } from '../contracts/step.ts';
import { stepWorkflowId, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import { describe, isUndecodable } from './describe.ts';
import { withLiveProgress } from './live-progress.ts';
import { isStepOf, startedAs } from './step-identity.ts';
import { statusOf, summaryOf } from './step-summary.ts';
import { withCancellation } from './with-cancellation.ts';

export interface ReadDependencies {
  client: Client;
}

/** With no worker running a query hangs to its deadline, and then the rest must be enough. */
const QUERY_WITHIN_MS = 3_000;

/** The step as it shows itself; where no worker answers in time, what Temporal knows of it. */
export async function readStep(
  deps: ReadDependencies,
  userId: string,
  stepId: string,
): Promise<StepView | undefined> {
  const { client } = deps;
  const described = await describeOwn(deps, userId, stepId);
  if (described === undefined) return undefined;
  const handle = client.workflow.getHandle(described.workflowId);
  const view = await temporalCall(client, () => handle.query(stepQuery), QUERY_WITHIN_MS).catch(
    () => undefined,
  );
  if (view === undefined) return viewWithoutWorker(deps, described, stepId);
  // Not as the step itself may say: workers of before took the workflow id for it.
  const shown = await withLiveProgress(client, asEnded(view, described), described);
  return withCancellation(deps, { ...shown, stepId }, described);
}

/**
 * Under whichever workflow id it was started. Undefined also for an execution that is no step, or another user's
 * under an id that reads the same.
 */
export async function describeOwn(
  deps: ReadDependencies,
  userId: string,
  stepId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  for (const workflowId of stepWorkflowIds(userId, stepId)) {
    const described = await describeIfOwn(deps, userId, workflowId);
    if (described !== undefined) return described;
  }
  return undefined;
}

export async function describeIfOwn(
  { client }: ReadDependencies,
  userId: string,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const described = await describe(client, workflowId);
    return isStepOf(userId, described, await startedAs(client, described)) ? described : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * What a step ends with, once it does.
 *
 * @throws WorkflowNotFoundError where the user has no such step
 */
export async function resultOf(
  deps: ReadDependencies,
  userId: string,
  stepId: string,
): Promise<McpStepResult> {
  const described = await describeOwn(deps, userId, stepId);
  if (described === undefined) {
    throw new WorkflowNotFoundError('the user has no such step', stepWorkflowId(userId, stepId), undefined);
  }
  // The cast trusts the contract of workflow `mcpStep`.
  return (await deps.client.workflow.getHandle(described.workflowId).result()) as McpStepResult;
}

// A workflow that was terminated can't say so itself.
function asEnded(view: StepView, described: WorkflowExecutionDescription): StepView {
  const status = statusOf(described);
  const isForced =
    described.status.name !== 'RUNNING' && (view.status === 'running' || view.status === 'awaiting-input');
  if (!isForced || status === 'success') return view;
  const {
    awaitingInputReason: _reason,
    connectionReason: _why,
    requiredScopes: _scopes,
    connectUrl: _url,
    pending: _pending,
    ...rest
  } = view;
  return { ...rest, status };
}

async function viewWithoutWorker(
  deps: ReadDependencies,
  described: WorkflowExecutionDescription,
  stepId: string,
): Promise<StepView> {
  const summary = summaryOf(described, stepId, await startedAs(deps.client, described));
  const timeline = [{ at: summary.createdAt, event: 'started' }];
  if (described.status.name !== 'COMPLETED')
    return withCancellation(deps, { ...summary, timeline }, described);
  const handle = deps.client.workflow.getHandle(described.workflowId);
  const result = await temporalCall(deps.client, () => handle.result()).catch((error: unknown) => {
    if (isUndecodable(error)) return undefined;
    throw error;
  });
  if (!isResult(result)) return { ...summary, timeline };
  const finished = { at: summary.updatedAt, event: 'finished', status: result.status };
  return { ...summary, ...partsOf(result), status: result.status, timeline: [...timeline, finished] };
}

// Any client may have started a workflow of that type, on a worker of its own.
function isResult(value: unknown): value is McpStepResult {
  return typeof value === 'object' && value !== null && 'status' in value;
}

function partsOf(result: McpStepResult): Pick<StepView, 'result' | 'error'> {
  if (result.status === 'skipped') return {};
  const { status: _, ...parts } = result;
  return parts;
}
