import { type Client, isGrpcDeadlineError } from '@temporalio/client';
import { withDeadline } from '../async/deadline.ts';
import { orAborted } from '../async/or-aborted.ts';
import type { StepView } from '../contracts/step.ts';
import { asUnavailable } from '../temporal/temporal-call.ts';
import { type ReadDependencies, readStep } from './read-step.ts';

/** Resolves with the step when its status is another than at the call, when it has ended, or when time is up. */
export async function waitForChange(
  deps: ReadDependencies,
  userId: string,
  stepId: string,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<StepView | undefined> {
  return withDeadline({ ms: options.timeoutMs, parent: options.signal }, (signal) =>
    untilChanged(deps, userId, stepId, signal),
  );
}

async function untilChanged(
  deps: ReadDependencies,
  userId: string,
  stepId: string,
  signal: AbortSignal,
): Promise<StepView | undefined> {
  const before = await readStep(deps, userId, stepId);
  if (before === undefined || hasEnded(before)) return before;
  let now: StepView | undefined = before;
  let position: HistoryPosition = {};
  while (!signal.aborted && now?.status === before.status) {
    const next = await nextEvents(deps.client, before.workflowId, position, signal);
    // Nothing has happened since the last look: it is what there is to see.
    if (next === undefined) break;
    position = next;
    now = await readStep(deps, userId, stepId);
  }
  return now;
}

function hasEnded({ status }: StepView): boolean {
  return status !== 'running' && status !== 'awaiting-input';
}

interface HistoryPosition {
  pageToken?: Uint8Array;
}

// A long poll of the step's history: the server answers as soon as there is more of it. Undefined: aborted. The
// signal also ends the request, but not one that the SDK has sent again. The SDK listens to its signal once a request,
// and for as long as the signal lives: so each request has one of its own.
async function nextEvents(
  client: Client,
  workflowId: string,
  { pageToken }: HistoryPosition,
  signal: AbortSignal,
): Promise<HistoryPosition | undefined> {
  const { namespace } = client.options;
  const ending = new AbortController();
  const poll = client.withAbortSignal(ending.signal, () =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId },
      waitNewEvent: true,
      ...(pageToken && { nextPageToken: pageToken }),
    }),
  );
  try {
    const answer = await orAborted(signal, poll);
    // At the end of a run there is no token: whatever follows is another run, read from its start.
    return answer.nextPageToken?.length ? { pageToken: answer.nextPageToken } : {};
  } catch (error) {
    if (signal.aborted || isGrpcDeadlineError(error)) return undefined;
    throw asUnavailable(error);
  } finally {
    // Harmless where it has been answered.
    ending.abort();
  }
}
