import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { WebhookEvent } from '../contracts/webhooks.ts';

export interface DeliveryDependencies {
  client: Client;
  taskQueue: string;
}

const START_WITHIN_MS = 10_000;

/**
 * Starts the workflow that delivers an event; its id is made of the event's, so that a repeat is none.
 *
 * @throws when Temporal did not take it within 10 s
 */
export async function startDelivery(
  { client, taskQueue }: DeliveryDependencies,
  event: WebhookEvent,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + START_WITHIN_MS, () =>
      client.workflow.start('deliverWebhook', {
        taskQueue,
        workflowId: `webhook/${event.id}`,
        args: [event],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
