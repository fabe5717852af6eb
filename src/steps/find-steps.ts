/** Finds steps of a user, or of all users, in Temporal's visibility store. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { mcpUserId } from '../contracts/search-attributes.ts';
import type { StepStatus } from '../contracts/step.ts';
import { stepWorkflowIdPrefixes } from '../contracts/step-workflow-id.ts';
import { isInvalidArgument } from '../temporal/temporal-call.ts';
import { listPage, type Page, type PagePosition } from '../temporal/visibility.ts';
import { mayBeCreatedWithin } from './created-within.ts';
import { InvalidCursor } from './list-cursor.ts';
import { canBeQuoted } from './open-steps-of-server.ts';
import { startedAs } from './step-identity.ts';
import { type StepSummary, stepIdOf, summaryOf } from './step-summary.ts';
import { IS_STEP } from './step-types.ts';

export interface WantedSteps {
  /** Undefined: of all users. */
  userId?: string | undefined;
  status?: StepStatus | undefined;
  mcpServerId?: string | undefined;
  /** Only steps that were created then or later. */
  since?: Date | undefined;
}

const STATUS_QUERIES: Record<StepStatus, string> = {
  running: "ExecutionStatus = 'Running' AND McpStepStatus = 'running'",
  'awaiting-input': "ExecutionStatus = 'Running' AND McpStepStatus = 'awaiting-input'",
  success: "ExecutionStatus = 'Completed' AND McpStepStatus = 'running'",
  error:
    "((ExecutionStatus = 'Completed' AND McpStepStatus = 'error') OR ExecutionStatus IN ('Failed', 'TimedOut'))",
  skipped: "ExecutionStatus = 'Completed' AND McpStepStatus = 'skipped'",
  cancelled: "ExecutionStatus IN ('Canceled', 'Terminated')",
};

/** The queries for a namespace without the search attributes. They find more steps, which are then filtered by memo. */
const WIDER_QUERIES: Record<StepStatus, string> = {
  running: "ExecutionStatus = 'Running'",
  'awaiting-input': "ExecutionStatus = 'Running'",
  success: "ExecutionStatus = 'Completed'",
  error: "ExecutionStatus IN ('Completed', 'Failed', 'TimedOut')",
  skipped: "ExecutionStatus = 'Completed'",
  cancelled: STATUS_QUERIES.cancelled,
};

const CURRENT_RUNS = "ExecutionStatus != 'ContinuedAsNew'";

/**
 * Lists a page of the executions that may be such steps. It holds more than these: visibility may compare without case,
 * knows times only roughly, and without the search attributes it can't tell them apart (`isWider`).
 *
 * @throws InvalidCursor
 * @throws TemporalUnavailable
 */
export async function findExecutions(
  client: Client,
  { userId, status, mcpServerId, since }: WantedSteps,
  position: PagePosition,
): Promise<{ page: Page; isWider: boolean }> {
  const ask = (...conditions: string[]) =>
    pageOrInvalidCursor(client, queryFor(userId, [...conditions, ...created]), position);
  const created = since === undefined ? [] : [mayBeCreatedWithin({ from: since })];
  const widest = status === undefined ? CURRENT_RUNS : WIDER_QUERIES[status];
  const narrow = status === undefined ? CURRENT_RUNS : STATUS_QUERIES[status];
  const ofServer = serverCondition(mcpServerId);
  if (narrow === widest && ofServer.length === 0) return { page: await ask(widest), isWider: false };
  try {
    return { page: await ask(narrow, ...ofServer), isWider: false };
  } catch (error) {
    if (!isInvalidArgument(error)) throw error;
    return { page: await ask(widest), isWider: true };
  }
}

/** Listings that don't wait are not shown as steps, and have other workflow ids. */
const IS_SHOWN =
  "(WorkflowType = 'mcpStep' OR (WorkflowType = 'mcpTools' AND WorkflowId STARTS_WITH 'step/'))";

// The prefixes are percent-encoded, so they hold no quote that could end the string.
function queryFor(userId: string | undefined, conditions: string[]): string {
  if (userId === undefined) return [IS_SHOWN, ...conditions].join(' AND ');
  const ids = stepWorkflowIdPrefixes(userId).map((prefix) => `WorkflowId STARTS_WITH '${prefix}'`);
  return [IS_STEP, `(${ids.join(' OR ')})`, ...conditions].join(' AND ');
}

async function pageOrInvalidCursor(client: Client, query: string, position: PagePosition): Promise<Page> {
  try {
    return await listPage(client, query, position);
  } catch (error) {
    // Temporal gave out the token; it refuses the token now if the visibility store was replaced since. A query with
    // search attributes may be refused because of them.
    const isTokenRefused =
      position.nextPageToken.length > 0 && isInvalidArgument(error) && !query.includes('Mcp');
    throw isTokenRefused ? new InvalidCursor() : error;
  }
}

function serverCondition(mcpServerId: string | undefined): string[] {
  return mcpServerId !== undefined && canBeQuoted(mcpServerId) ? [`McpServerId = '${mcpServerId}'`] : [];
}

/** A step with its user. */
export type OwnedStep = StepSummary & { userId: string };

/**
 * Summarizes an execution of whichever user. One that a program started under another workflow id than
 * `step/<userId>/<stepId>` is named by that id: its user can't see it.
 */
export async function stepOfAnyone(client: Client, execution: WorkflowExecutionInfo): Promise<OwnedStep> {
  const started = await startedAs(client, execution);
  const userId = started.userId ?? execution.typedSearchAttributes.get(mcpUserId) ?? '';
  const stepId = stepIdOf(userId, execution, started) ?? execution.workflowId;
  return { userId, ...summaryOf(execution, stepId, started) };
}

/** Summarizes an execution. Returns undefined if it belongs to another user. */
export async function stepOfUser(
  client: Client,
  userId: string,
  execution: WorkflowExecutionInfo,
): Promise<StepSummary | undefined> {
  const started = await startedAs(client, execution);
  const stepId = stepIdOf(userId, execution, started);
  return stepId === undefined ? undefined : summaryOf(execution, stepId, started);
}
