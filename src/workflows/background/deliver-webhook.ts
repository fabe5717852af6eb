import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { LatchkeyActivities } from '../../contracts/activities.ts';
import type { DeliverWebhookOutcome, WebhookEvent } from '../../contracts/webhooks.ts';

const activities = proxyActivities<Pick<LatchkeyActivities, 'deliverWebhook'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '25h',
  // Where the activity does not say itself when to try again: a worker that died.
  retry: { initialInterval: '5s', backoffCoefficient: 4, maximumInterval: '1h' },
});

/** Delivers one event, tried for a day; a workflow of its own, so that no step ever waits for a receiver. */
export async function deliverWebhook(event: WebhookEvent): Promise<DeliverWebhookOutcome | 'given-up'> {
  try {
    return await activities.deliverWebhook(event);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return 'given-up';
  }
}
