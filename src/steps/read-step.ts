import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { step as stepQuery } from '../contracts/messages.ts';
import type { McpStepResult, StepView } from '../contracts/step.ts';
import { memoOf } from '../contracts/step-memo.ts';
import { stepWorkflowId } from '../contracts/step-workflow-id.ts';
import { withLiveProgress } from './live-progress.ts';
import { statusOf, summaryOf } from './step-summary.ts';
import { temporalCall } from './temporal-call.ts';

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
  const handle = client.workflow.getHandle(stepWorkflowId(userId, stepId));
  const described = await describeOwn(deps, userId, stepId);
  if (described === undefined) return undefined;
  const view = await temporalCall(client, () => handle.query(stepQuery), QUERY_WITHIN_MS).catch(
    () => undefined,
  );
  if (view === undefined) return viewWithoutWorker(deps, described);
  return withLiveProgress(client, asEnded(view, described), described);
}

/** Undefined also for an execution that is no step, or another user's under an id that reads the same. */
export async function describeOwn(
  { client }: ReadDependencies,
  userId: string,
  stepId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const handle = client.workflow.getHandle(stepWorkflowId(userId, stepId));
    const described = await temporalCall(client, () => handle.describe());
    const owner = memoOf(described.memo)?.userId ?? userId;
    return described.type === 'mcpStep' && owner === userId ? described : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
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
): Promise<StepView> {
  const summary = summaryOf(described);
  const timeline = [{ at: summary.createdAt, event: 'started' }];
  if (described.status.name !== 'COMPLETED') return { ...summary, timeline };
  const handle = deps.client.workflow.getHandle(described.workflowId);
  // The cast trusts the contract of workflow `mcpStep`.
  const result = (await temporalCall(deps.client, () => handle.result())) as McpStepResult;
  const finished = { at: summary.updatedAt, event: 'finished', status: result.status };
  return { ...summary, ...partsOf(result), status: result.status, timeline: [...timeline, finished] };
}

function partsOf(result: McpStepResult): Pick<StepView, 'result' | 'error'> {
  if (result.status === 'skipped') return {};
  const { status: _, ...parts } = result;
  return parts;
}
