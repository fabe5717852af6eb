import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import type { AwaitingInputReason } from '../contracts/step.ts';
import { type RawExecution, readableExecutionInfo } from '../temporal/visibility.ts';
import { findExecutions, stepOfUser } from './find-steps.ts';
import { awaitingInputReasonOf, type StepSummary } from './step-summary.ts';

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
}

const PAGE_SIZE = 100;
/** Steps that wait for a connection are found too and left out, so a page may hold no step that waits for a decision. */
const MAX_REQUESTS = 5;

/**
 * Lists the steps of a user that wait for a decision: an approval, or a resolution of an unknown outcome. The number of
 * requests does not grow with the number of the user's steps, so a user with very many waiting steps may have more.
 *
 * @throws TemporalUnavailable
 */
export async function listUndecided(
  { client }: { client: Client },
  { userId, limit, signal }: ListUndecided,
): Promise<UndecidedSteps> {
  const steps: StepSummary[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  for (let request = 0; request < MAX_REQUESTS && !signal?.aborted; request++) {
    const position = { pageSize: PAGE_SIZE, nextPageToken };
    const { page } = await findExecutions(client, { userId, status: 'awaiting-input' }, position);
    const undecided = await undecidedAmong(client, page.executions);
    const room = limit - steps.length;
    const found = await mapConcurrently(undecided.slice(0, room), (one) => stepOfUser(client, userId, one));
    steps.push(...found.filter((step) => step !== undefined));
    if (undecided.length > room) return { steps, isCut: true };
    nextPageToken = page.nextPageToken;
    if (nextPageToken.length === 0) return { steps, isCut: false };
  }
  return { steps, isCut: true };
}

/** Whether a step that pauses for this reason waits for a decision, and not for a connection. */
export function needsDecision(reason: AwaitingInputReason | undefined): boolean {
  return reason === 'needs-approval' || reason === 'outcome-unknown';
}

async function undecidedAmong(client: Client, found: RawExecution[]): Promise<WorkflowExecutionInfo[]> {
  const executions = await mapConcurrently(found, (raw) => readableExecutionInfo(client, raw));
  return executions.filter((execution) => needsDecision(awaitingInputReasonOf(execution)));
}
