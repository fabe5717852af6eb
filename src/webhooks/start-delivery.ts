import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { WebhookEvent } from '../contracts/webhooks.ts';

export interface DeliveryDependencies {
  client: Client;
  taskQueue: string;
}

const START_TIMEOUT_MS = 10_000;

/**
 * Starts the workflow that delivers an event. Its id contains the event's id, so that a repeated start has no effect.
 *
 * @throws if Temporal does not accept the start within 10 s
 */
export async function startDelivery(
  { client, taskQueue }: DeliveryDependencies,
  event: WebhookEvent,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + START_TIMEOUT_MS, () =>
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
