import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { accountOf } from '../contracts/accounts.ts';
import { stepResultOfListing } from '../contracts/listing.ts';
import type { McpToolsResult } from '../contracts/mcp-tools.ts';
import { step as stepQuery } from '../contracts/messages.ts';
import type { McpStepResult, StepView, TimelineEntry } from '../contracts/step.ts';
import { stepWorkflowId, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import { describeStep, isUndecodable } from './describe-step.ts';
import { withCancellation, withLiveTimeline } from './live-timeline.ts';
import { isStepOf, startedAs } from './step-identity.ts';
import { type StepSummary, statusOf, summaryOf } from './step-summary.ts';

export interface ReadDependencies {
  client: Client;
}

/** A step as its user names it. */
export interface StepKey {
  userId: string;
  stepId: string;
}

/** Without a worker a query only ends at its deadline. What Temporal itself knows is shown then. */
export const QUERY_TIMEOUT_MS = 3_000;

/** Shows the step as its workflow reports it or, if no worker answers in time, as Temporal knows it. */
export async function readStep(deps: ReadDependencies, step: StepKey): Promise<StepView | undefined> {
  const described = await describeStepOfUser(deps, step);
  return described === undefined ? undefined : (await readDescribed(deps, step, described)).view;
}

/** `isAnswered` is false if no worker answered in time: the view is what Temporal itself knows. */
export interface ReadView {
  view: StepView;
  isAnswered: boolean;
}

export async function readDescribed(
  { client }: ReadDependencies,
  step: StepKey,
  described: WorkflowExecutionDescription,
): Promise<ReadView> {
  const handle = client.workflow.getHandle(described.workflowId);
  const view = await temporalCall(client, () => handle.query(stepQuery), QUERY_TIMEOUT_MS).catch(
    () => undefined,
  );
  if (view === undefined) {
    return { view: await viewWithoutWorker(client, described, step.stepId), isAnswered: false };
  }
  const shown = await withLiveTimeline(client, asEnded(view, described), described);
  // Not the id that the workflow reports: older workers reported the workflow id, and no account.
  return { view: { ...shown, stepId: step.stepId, account: accountOf(shown) }, isAnswered: true };
}

/** Summarizes the step as Temporal knows it. Asks no worker. */
export async function readSummary(deps: ReadDependencies, step: StepKey): Promise<StepSummary | undefined> {
  const described = await describeStepOfUser(deps, step);
  return described && summaryOf(described, step.stepId, await startedAs(deps.client, described));
}

/**
 * Describes the user's step under whichever workflow id it was started. Returns undefined also for an execution that
 * is not a step, and for another user's step whose workflow id reads the same.
 */
export async function describeStepOfUser(
  deps: ReadDependencies,
  { userId, stepId }: StepKey,
): Promise<WorkflowExecutionDescription | undefined> {
  for (const workflowId of stepWorkflowIds(userId, stepId)) {
    const described = await describeIfOfUser(deps, userId, workflowId);
    if (described !== undefined) return described;
  }
  return undefined;
}

export async function describeIfOfUser(
  { client }: ReadDependencies,
  userId: string,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const described = await describeStep(client, workflowId);
    return isStepOf(userId, described, await startedAs(client, described)) ? described : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Waits until the step has ended and returns its result.
 *
 * @throws WorkflowNotFoundError where the user has no such step
 */
export async function resultOf(deps: ReadDependencies, step: StepKey): Promise<McpStepResult> {
  const described = await describeStepOfUser(deps, step);
  if (described === undefined) {
    const workflowId = stepWorkflowId(step.userId, step.stepId);
    throw new WorkflowNotFoundError('the user has no such step', workflowId, undefined);
  }
  const result: unknown = await deps.client.workflow.getHandle(described.workflowId).result();
  // The cast trusts the contract of workflow `mcpStep`.
  return isListing(result) ? stepResultOfListing(result) : (result as McpStepResult);
}

// A terminated workflow can't report that it was terminated.
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
    connections: _connections,
    ...rest
  } = view;
  return { ...rest, status };
}

async function viewWithoutWorker(
  client: Client,
  described: WorkflowExecutionDescription,
  stepId: string,
): Promise<StepView> {
  const summary = summaryOf(described, stepId, await startedAs(client, described));
  const timeline = [{ at: summary.createdAt, event: 'started' }, ...pauseOfSummary(summary)];
  if (described.status.name !== 'COMPLETED') {
    return withCancellation(client, { ...summary, timeline }, described);
  }
  const handle = client.workflow.getHandle(described.workflowId);
  const result = await temporalCall(client, () => handle.result()).catch((error: unknown) => {
    if (isUndecodable(error)) return undefined;
    throw error;
  });
  const shown = isListing(result) ? stepResultOfListing(result) : result;
  if (!isResult(shown)) return { ...summary, timeline };
  const finished = { at: summary.updatedAt, event: 'finished', status: shown.status };
  return { ...summary, ...partsOf(shown), status: shown.status, timeline: [...timeline, finished] };
}

// A paused step last wrote its state when it paused.
function pauseOfSummary(summary: StepSummary): TimelineEntry[] {
  const { status, updatedAt: at, awaitingInputReason: reason, connectionReason } = summary;
  if (status !== 'awaiting-input') return [];
  return [{ at, event: 'awaiting-input', reason, ...(connectionReason && { connectionReason }) }];
}

// Any client can start a workflow of this type on a worker of its own, which may return anything.
function isResult(value: unknown): value is McpStepResult {
  return typeof value === 'object' && value !== null && 'status' in value;
}

function isListing(value: unknown): value is McpToolsResult {
  return typeof value === 'object' && value !== null && 'servers' in value && Array.isArray(value.servers);
}

function partsOf(result: McpStepResult): Pick<StepView, 'result' | 'error'> {
  if (result.status === 'skipped') return {};
  const { status: _, ...parts } = result;
  return parts;
}
