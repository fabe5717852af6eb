import { type Client, isGrpcDeadlineError } from '@temporalio/client';
import { raceAbort, withDeadline } from '../async/deadline.ts';
import { hasEnded, type StepView } from '../contracts/step.ts';
import { asUnavailable } from '../temporal/temporal-call.ts';
import { type ReadDependencies, readStep, type StepKey } from './read-step.ts';

/** Returns the step when its status differs from the status at the call, when it has ended, or after `timeoutMs`. */
export async function waitForChange(
  deps: ReadDependencies,
  { userId, stepId, timeoutMs, signal }: StepKey & { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<StepView | undefined> {
  return withDeadline({ ms: timeoutMs, parent: signal }, (ending) =>
    untilChanged(deps, { userId, stepId }, ending),
  );
}

async function untilChanged(
  deps: ReadDependencies,
  step: StepKey,
  signal: AbortSignal,
): Promise<StepView | undefined> {
  const before = await readStep(deps, step);
  if (before === undefined || hasEnded(before)) return before;
  let now: StepView | undefined = before;
  let position: HistoryPosition = {};
  while (!signal.aborted && now?.status === before.status) {
    const next = await nextEvents(deps.client, before.workflowId, position, signal);
    // Nothing has happened since the last read: `now` is up to date.
    if (next === undefined) break;
    position = next;
    now = await readStep(deps, step);
  }
  return now;
}

interface HistoryPosition {
  pageToken?: Uint8Array;
}

// A long poll of the step's history: the server answers as soon as there are more events. Returns undefined when
// aborted. The signal also ends the request, except one that the SDK has repeated. The SDK adds a listener to the
// signal for each request and removes none, so each request gets a signal of its own.
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
    const answer = await raceAbort(signal, poll);
    // There is no token at the end of a run. What follows is another run, which is read from its start.
    return answer.nextPageToken?.length ? { pageToken: answer.nextPageToken } : {};
  } catch (error) {
    if (signal.aborted || isGrpcDeadlineError(error)) return undefined;
    throw asUnavailable(error);
  } finally {
    // Has no effect on a request that was answered.
    ending.abort();
  }
}
