import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { ProgressNote } from '../contracts/activities.ts';
import type { StepView } from '../contracts/step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';

/** temporal.api.enums.v1.EventType */
const CANCEL_REQUESTED = 20;

/**
 * Adds to a step's timeline what Temporal knows and the workflow has not written yet: the progress of the call under
 * way, and a requested cancellation.
 */
export async function withLiveTimeline(
  client: Client,
  step: StepView,
  described: WorkflowExecutionDescription,
): Promise<StepView> {
  return withCancellation(client, await withProgress(client, step, described), described);
}

// The latest progress is in the call's heartbeats. When the call is over, the workflow writes all of it.
async function withProgress(
  client: Client,
  step: StepView,
  { raw }: WorkflowExecutionDescription,
): Promise<StepView> {
  const call = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'invokeTool');
  const payloads = call?.heartbeatDetails?.payloads;
  if (step.status !== 'running' || !payloads?.length) return step;
  // The cast trusts our own activity, which heartbeats nothing else.
  const note = (await decodeFromPayloadsAtIndex(client.options.loadedDataConverter, 0, payloads)) as
    | ProgressNote
    | undefined;
  if (!note) return step;
  const { at, ...progress } = note;
  return { ...step, timeline: [...step.timeline, { at, event: 'progress', ...progress }] };
}

/**
 * Adds `cancelling` from the moment that Temporal has accepted the request, before a worker acts on it. A step that
 * has ended writes it itself.
 */
export async function withCancellation(
  client: Client,
  step: StepView,
  { raw, status, workflowId, runId }: WorkflowExecutionDescription,
): Promise<StepView> {
  const isRequested = raw.workflowExtendedInfo?.cancelRequested && status.name === 'RUNNING';
  if (!isRequested || step.timeline.some(({ event }) => event === 'cancelling')) return step;
  const at = (await requestedAt(client, { workflowId, runId })) ?? step.updatedAt;
  return { ...step, timeline: [...step.timeline, { at, event: 'cancelling' }] };
}

// Reads the latest events only: while no worker has acted on the request, few events can follow it.
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
