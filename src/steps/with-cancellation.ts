import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { StepView } from '../contracts/step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';

/** temporal.api.enums.v1.EventType */
const CANCEL_REQUESTED = 20;

/**
 * The step with `cancelling` in its timeline from the moment that Temporal has taken the request: no worker needs to
 * have acted on it. Once the step has ended it tells that itself.
 */
export async function withCancellation(
  { client }: { client: Client },
  step: StepView,
  { raw, status, workflowId, runId }: WorkflowExecutionDescription,
): Promise<StepView> {
  const isRequested = raw.workflowExtendedInfo?.cancelRequested && status.name === 'RUNNING';
  if (!isRequested || step.timeline.some(({ event }) => event === 'cancelling')) return step;
  const at = (await requestedAt(client, { workflowId, runId })) ?? step.updatedAt;
  return { ...step, timeline: [...step.timeline, { at, event: 'cancelling' }] };
}

// Among the latest events: where no worker has acted on it, hardly anything can have followed.
async function requestedAt(
  client: Client,
  execution: { workflowId: string; runId: string },
): Promise<string | undefined> {
  const request = { namespace: client.options.namespace, execution, maximumPageSize: 100 };
  const { history } = await temporalCall(client, () =>
    client.workflowService.getWorkflowExecutionHistoryReverse(request),
  );
  const event = history?.events?.find(({ eventType }) => Number(eventType) === CANCEL_REQUESTED);
  const { seconds, nanos } = event?.eventTime ?? {};
  return seconds == null ? undefined : new Date(Number(seconds) * 1000 + (nanos ?? 0) / 1e6).toISOString();
}
