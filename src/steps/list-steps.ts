import type { Client } from '@temporalio/client';
import { forEachOf } from '../async/for-each-of.ts';
import type { StepStatus } from '../contracts/step.ts';
import { stepWorkflowIdPrefixes } from '../contracts/step-workflow-id.ts';
import { type RawExecution, readableExecutionInfo } from '../temporal/execution-info.ts';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';
import { type CursorKeys, openCursor, sealCursor, UNKEYED } from './list-cursor.ts';
import { InvalidCursor, type ListStepsOptions, type StepSummary } from './step-client.ts';
import { startedAs } from './step-identity.ts';
import { stepIdOf, summaryOf } from './step-summary.ts';

const STATUS_QUERIES: Record<StepStatus, string> = {
  running: "ExecutionStatus = 'Running' AND McpStepStatus = 'running'",
  'awaiting-input': "ExecutionStatus = 'Running' AND McpStepStatus = 'awaiting-input'",
  success: "ExecutionStatus = 'Completed' AND McpStepStatus = 'running'",
  error:
    "((ExecutionStatus = 'Completed' AND McpStepStatus = 'error') OR ExecutionStatus IN ('Failed', 'TimedOut'))",
  skipped: "ExecutionStatus = 'Completed' AND McpStepStatus = 'skipped'",
  cancelled: "ExecutionStatus IN ('Canceled', 'Terminated')",
};

/** For a namespace without the search attributes: finds more, of which the memo tells what has the status. */
const WIDER_QUERIES: Record<StepStatus, string> = {
  running: "ExecutionStatus = 'Running'",
  'awaiting-input': "ExecutionStatus = 'Running'",
  success: "ExecutionStatus = 'Completed'",
  error: "ExecutionStatus IN ('Completed', 'Failed', 'TimedOut')",
  skipped: "ExecutionStatus = 'Completed'",
  cancelled: STATUS_QUERIES.cancelled,
};

/** Where most of what visibility finds is left out, a page ends short rather than late. */
const MAX_LOOKS = 10;

/**
 * A page of a user's steps, the open ones first, then the latest ended (the order of Temporal's visibility). It may
 * hold fewer than were asked for, or none, and go on all the same: what only looks like a step of the user is left
 * out.
 *
 * @throws InvalidCursor
 * @throws TemporalUnavailable
 */
export async function listSteps(
  { client, cursorKeys = UNKEYED }: { client: Client; cursorKeys?: CursorKeys },
  userId: string,
  options: ListStepsOptions,
): Promise<{ steps: StepSummary[]; nextCursor?: string }> {
  const list = JSON.stringify([userId, options.status ?? null]);
  const { cursor, limit } = options;
  let token = cursor === undefined ? new Uint8Array() : openCursor(cursorKeys, list, cursor);
  const steps: StepSummary[] = [];
  for (let look = 0; look < MAX_LOOKS && steps.length < limit; look++) {
    const page = await nextPage(client, userId, { ...options, limit: limit - steps.length }, token);
    steps.push(...page.steps);
    token = page.nextPageToken;
    if (token.length === 0) return { steps };
  }
  return { steps, nextCursor: sealCursor(cursorKeys, list, token) };
}

async function nextPage(
  client: Client,
  userId: string,
  { status, limit }: ListStepsOptions,
  nextPageToken: Uint8Array,
): Promise<{ steps: StepSummary[]; nextPageToken: Uint8Array }> {
  const { answer, isWider } = await askVisibility(client, userId, status, { pageSize: limit, nextPageToken });
  const found = await forEachOf(answer.executions, (raw) => ownStep(client, userId, raw));
  const steps = found.filter((step) => step !== undefined);
  return {
    steps: isWider ? steps.filter((step) => step.status === status) : steps,
    nextPageToken: answer.nextPageToken ?? new Uint8Array(),
  };
}

async function ownStep(client: Client, userId: string, raw: RawExecution): Promise<StepSummary | undefined> {
  const execution = await readableExecutionInfo(client, raw);
  const started = await startedAs(client, execution);
  const stepId = stepIdOf(userId, execution, started);
  return stepId === undefined ? undefined : summaryOf(execution, stepId, started);
}

interface Page {
  pageSize: number;
  nextPageToken: Uint8Array;
}

async function askVisibility(client: Client, userId: string, status: StepStatus | undefined, page: Page) {
  if (status === undefined) {
    return { answer: await listPage(client, queryFor(userId, CURRENT), page), isWider: false };
  }
  try {
    return { answer: await listPage(client, queryFor(userId, STATUS_QUERIES[status]), page), isWider: false };
  } catch (error) {
    if (!isInvalidArgument(error)) throw error;
    return { answer: await listPage(client, queryFor(userId, WIDER_QUERIES[status]), page), isWider: true };
  }
}

const CURRENT = "ExecutionStatus != 'ContinuedAsNew'";

// The prefixes are percent-encoded, so they hold no quote that could end the string.
function queryFor(userId: string, which: string): string {
  const ids = stepWorkflowIdPrefixes(userId).map((prefix) => `WorkflowId STARTS_WITH '${prefix}'`);
  return `WorkflowType = 'mcpStep' AND (${ids.join(' OR ')}) AND ${which}`;
}

async function listPage(client: Client, query: string, page: Page) {
  const request = { namespace: client.options.namespace, query, ...page };
  try {
    return await temporalCall(client, () => client.workflowService.listWorkflowExecutions(request));
  } catch (error) {
    // The token is one that Temporal gave out, perhaps of a visibility store that was changed since.
    const isToken = page.nextPageToken.length > 0 && isInvalidArgument(error) && !query.includes('Mcp');
    throw isToken ? new InvalidCursor() : error;
  }
}
