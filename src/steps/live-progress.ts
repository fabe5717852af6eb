import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { ProgressNote } from '../contracts/activities.ts';
import type { StepView } from '../contracts/step.ts';

/**
 * The step with the latest progress of a call under way at the end of its timeline, as the call's heartbeats
 * tell it. When the call is over, the workflow itself writes all of it into the timeline.
 */
export async function withLiveProgress(
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
