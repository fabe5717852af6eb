import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';
import type { DeliverWebhookOutcome, WebhookEvent } from '../../contracts/webhooks.ts';

const activities = proxyActivities<Pick<LatchkeyActivities, 'deliverWebhook'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '25h',
  // Used if the activity does not set the delay itself, for example if its worker died.
  retry: { initialInterval: '5s', backoffCoefficient: 4, maximumInterval: '1h' },
});

/**
 * Delivers one event, and retries for a day. A separate workflow, so that no step waits for a receiver.
 *
 * @internal
 */
export async function deliverWebhook(event: WebhookEvent): Promise<DeliverWebhookOutcome | 'given-up'> {
  try {
    return await activities.deliverWebhook(event);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return 'given-up';
  }
}
