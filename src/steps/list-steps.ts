import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import type { StepStatus } from '../contracts/step.ts';
import { stepWorkflowIdPrefixes } from '../contracts/step-workflow-id.ts';
import { isInvalidArgument } from '../temporal/temporal-call.ts';
import {
  listPage,
  type Page,
  type PagePosition,
  type RawExecution,
  readableExecutionInfo,
} from '../temporal/visibility.ts';
import { type CursorKeys, InvalidCursor, openCursor, sealCursor, UNKEYED } from './list-cursor.ts';
import { startedAs } from './step-identity.ts';
import { type StepSummary, stepIdOf, summaryOf } from './step-summary.ts';

export interface ListStepsOptions {
  status?: StepStatus;
  /** 1–100. */
  limit: number;
  cursor?: string;
}

export type ListSteps = ListStepsOptions & { userId: string };

export interface StepPage {
  steps: StepSummary[];
  nextCursor?: string;
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

/** Limits the time of a page. If most of what visibility finds is left out, the page is short. */
const MAX_REQUESTS_PER_PAGE = 10;

/**
 * Lists a page of a user's steps: the open ones first, then the latest ended, which is the order of Temporal's
 * visibility. A page may hold fewer steps than `limit`, or none, and still have a next page, because executions that
 * only look like a step of the user are left out.
 *
 * @throws InvalidCursor
 * @throws TemporalUnavailable
 */
export async function listSteps(
  { client, cursorKeys = UNKEYED }: { client: Client; cursorKeys?: CursorKeys },
  { userId, status, limit, cursor }: ListSteps,
): Promise<StepPage> {
  const list = JSON.stringify([userId, status ?? null]);
  let nextPageToken: Uint8Array =
    cursor === undefined ? new Uint8Array() : openCursor(cursorKeys, list, cursor);
  const steps: StepSummary[] = [];
  for (let request = 0; request < MAX_REQUESTS_PER_PAGE && steps.length < limit; request++) {
    const position = { pageSize: limit - steps.length, nextPageToken };
    const page = await nextSteps(client, { userId, status }, position);
    steps.push(...page.steps);
    nextPageToken = page.nextPageToken;
    if (nextPageToken.length === 0) return { steps };
  }
  return { steps, nextCursor: sealCursor(cursorKeys, list, nextPageToken) };
}

interface Wanted {
  userId: string;
  status: StepStatus | undefined;
}

async function nextSteps(
  client: Client,
  { userId, status }: Wanted,
  position: PagePosition,
): Promise<{ steps: StepSummary[]; nextPageToken: Uint8Array }> {
  const { page, isWider } = await findExecutions(client, { userId, status }, position);
  const found = await mapConcurrently(page.executions, (raw) => stepOfUser(client, userId, raw));
  const steps = found.filter((step) => step !== undefined);
  return {
    steps: isWider ? steps.filter((step) => step.status === status) : steps,
    nextPageToken: page.nextPageToken,
  };
}

async function stepOfUser(
  client: Client,
  userId: string,
  raw: RawExecution,
): Promise<StepSummary | undefined> {
  const execution = await readableExecutionInfo(client, raw);
  const started = await startedAs(client, execution);
  const stepId = stepIdOf(userId, execution, started);
  return stepId === undefined ? undefined : summaryOf(execution, stepId, started);
}

async function findExecutions(
  client: Client,
  { userId, status }: Wanted,
  position: PagePosition,
): Promise<{ page: Page; isWider: boolean }> {
  const ask = (condition: string) => pageOrInvalidCursor(client, queryFor(userId, condition), position);
  if (status === undefined) return { page: await ask(CURRENT_RUNS), isWider: false };
  try {
    return { page: await ask(STATUS_QUERIES[status]), isWider: false };
  } catch (error) {
    if (!isInvalidArgument(error)) throw error;
    return { page: await ask(WIDER_QUERIES[status]), isWider: true };
  }
}

// The prefixes are percent-encoded, so they hold no quote that could end the string.
function queryFor(userId: string, condition: string): string {
  const ids = stepWorkflowIdPrefixes(userId).map((prefix) => `WorkflowId STARTS_WITH '${prefix}'`);
  return `WorkflowType = 'mcpStep' AND (${ids.join(' OR ')}) AND ${condition}`;
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
