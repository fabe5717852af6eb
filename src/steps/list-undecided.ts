import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import type { AwaitingInputReason } from '../contracts/step.ts';
import { type RawExecution, readableExecutionInfo } from '../temporal/visibility.ts';
import { findExecutions, stepOfUser } from './find-steps.ts';
import { awaitingInputReasonOf, changedAt, type StepSummary } from './step-summary.ts';

export interface ListUndecided {
  userId: string;
  limit: number;
  /** Ends the reading early. */
  signal?: AbortSignal | undefined;
}

/** Steps that wait for a decision of their user. */
export interface UndecidedSteps {
  steps: StepSummary[];
  /** There may be more of them. */
  isCut: boolean;
  /** Not all could be read, so some that have waited longer may be missing. */
  isPartial?: boolean;
}

const PAGE_SIZE = 100;
/** Steps that wait for a connection are found too and left out, so a page may hold no step that waits for a decision. */
const MAX_REQUESTS = 5;

/**
 * Lists the steps of a user that wait for a decision, the longest waiting first: for an approval, or for a resolution of
 * an unknown outcome. The number of requests does not grow with the number of the user's steps, so a user with very many
 * waiting steps may have more.
 *
 * @throws TemporalUnavailable
 */
export async function listUndecided(
  { client }: { client: Client },
  { userId, limit, signal }: ListUndecided,
): Promise<UndecidedSteps> {
  const { undecided, hasMore } = await readUndecided(client, userId, signal);
  const sorted = undecided.sort((one, other) => changedAt(one) - changedAt(other));
  const steps: StepSummary[] = [];
  let position = 0;
  // What only looks like a step of the user is left out, so the first ones may not be enough.
  for (; position < sorted.length && steps.length < limit; position += limit) {
    const next = sorted.slice(position, position + limit);
    const found = await mapConcurrently(next, (one) => stepOfUser(client, userId, one));
    steps.push(...found.filter((step) => step !== undefined));
  }
  const isCut = hasMore || position < sorted.length || steps.length > limit;
  return { steps: steps.slice(0, limit), isCut, ...(hasMore && { isPartial: true }) };
}

async function readUndecided(client: Client, userId: string, signal: AbortSignal | undefined) {
  const undecided: WorkflowExecutionInfo[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  for (let request = 0; request < MAX_REQUESTS && !signal?.aborted; request++) {
    const position = { pageSize: PAGE_SIZE, nextPageToken };
    const { page } = await findExecutions(client, { userId, status: 'awaiting-input' }, position);
    undecided.push(...(await undecidedAmong(client, page.executions)));
    nextPageToken = page.nextPageToken;
    if (nextPageToken.length === 0) return { undecided, hasMore: false };
  }
  return { undecided, hasMore: true };
}

/** Sorts steps that wait: the longest waiting first. */
export function longestWaitingFirst<T extends Pick<StepSummary, 'updatedAt'>>(steps: readonly T[]): T[] {
  return [...steps].sort((one, other) => Date.parse(one.updatedAt) - Date.parse(other.updatedAt));
}

/** Whether a step that pauses for this reason waits for a decision, and not for a connection. */
export function needsDecision(reason: AwaitingInputReason | undefined): boolean {
  return reason === 'needs-approval' || reason === 'outcome-unknown';
}

async function undecidedAmong(client: Client, found: RawExecution[]): Promise<WorkflowExecutionInfo[]> {
  const executions = await mapConcurrently(found, (raw) => readableExecutionInfo(client, raw));
  return executions.filter((execution) => needsDecision(awaitingInputReasonOf(execution)));
}
