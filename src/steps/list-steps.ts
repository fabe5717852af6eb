import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import type { StepStatus } from '../contracts/step.ts';
import { type PagePosition, readableExecutionInfo } from '../temporal/visibility.ts';
import { findExecutions, stepOfUser, type WantedSteps } from './find-steps.ts';
import { type CursorKeys, openCursor, sealCursor, UNKEYED } from './list-cursor.ts';
import type { StepSummary } from './step-summary.ts';

/** Which of a user's steps to list, and which page of them. */
export interface ListStepsOptions {
  /** Only steps with this status. Default: all, open ones first. */
  status?: StepStatus;
  /** Only steps that call this server. */
  mcpServerId?: string;
  /** 1–100. */
  limit: number;
  /** `nextCursor` of the page before. Default: the first page. */
  cursor?: string;
}

export type ListSteps = ListStepsOptions & { userId: string };

export interface StepPage {
  steps: StepSummary[];
  nextCursor?: string;
}

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
  { userId, status, mcpServerId, limit, cursor }: ListSteps,
): Promise<StepPage> {
  const wanted = { userId, status, mcpServerId };
  const page = { list: nameOfList(wanted), limit, cursor };
  return pageOfSteps({ client, cursorKeys }, wanted, page, (execution) =>
    stepOfUser(client, userId, execution),
  );
}

export interface StepsPageRequest {
  /** The name of the list, which its cursors belong to. */
  list: string;
  limit: number;
  cursor?: string | undefined;
}

/**
 * Reads a page of the wanted steps, each by `read`, which leaves out those that do not belong to the list.
 *
 * @throws InvalidCursor
 * @throws TemporalUnavailable
 */
export async function pageOfSteps<Step extends StepSummary>(
  { client, cursorKeys }: { client: Client; cursorKeys: CursorKeys },
  wanted: WantedSteps,
  { list, limit, cursor }: StepsPageRequest,
  read: (execution: WorkflowExecutionInfo) => Promise<Step | undefined>,
): Promise<{ steps: Step[]; nextCursor?: string }> {
  let nextPageToken: Uint8Array =
    cursor === undefined ? new Uint8Array() : openCursor(cursorKeys, list, cursor);
  const steps: Step[] = [];
  for (let request = 0; request < MAX_REQUESTS_PER_PAGE && steps.length < limit; request++) {
    const position = { pageSize: limit - steps.length, nextPageToken };
    const page = await nextSteps(client, wanted, position, read);
    steps.push(...page.steps);
    nextPageToken = page.nextPageToken;
    if (nextPageToken.length === 0) return { steps };
  }
  return { steps, nextCursor: sealCursor(cursorKeys, list, nextPageToken) };
}

// A list of all servers is named as it was before lists of one server existed, so that its cursors stay valid.
function nameOfList({ userId, status, mcpServerId }: Omit<WantedSteps, 'since'>): string {
  return JSON.stringify([userId, status ?? null, ...(mcpServerId === undefined ? [] : [mcpServerId])]);
}

async function nextSteps<Step extends StepSummary>(
  client: Client,
  wanted: WantedSteps,
  position: PagePosition,
  read: (execution: WorkflowExecutionInfo) => Promise<Step | undefined>,
): Promise<{ steps: Step[]; nextPageToken: Uint8Array }> {
  const { page, isWider } = await findExecutions(client, wanted, position);
  const found = await mapConcurrently(page.executions, async (raw) =>
    read(await readableExecutionInfo(client, raw)),
  );
  const { status, mcpServerId } = wanted;
  const steps = found
    .filter((step) => step !== undefined)
    // Checks exactly: visibility may compare without case.
    .filter((step) => mcpServerId === undefined || step.mcpServerId === mcpServerId)
    .filter((step) => !isWider || status === undefined || step.status === status);
  return { steps, nextPageToken: page.nextPageToken };
}
