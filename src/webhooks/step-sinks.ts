import type { InjectedSinks } from '@temporalio/worker';
import { raceTimeout } from '../async/deadline.ts';
import type { LatchkeySinks, StepChange, WebhookEvent } from '../contracts/webhooks.ts';
import type { Logger } from '../logging/logger.ts';
import { type DeliveryDependencies, startDelivery } from './start-delivery.ts';

const MAX_DELAY_OF_STEP_MS = 1_000;

/**
 * Starts the delivery of the events that steps announce. The SDK waits for a sink before it completes the workflow
 * task, and calls it again when the task is repeated, so an event is delivered at least once even if the worker dies.
 * The sink delays a step by at most a second and never fails it.
 *
 * @param isWanted false if no receiver is configured: nothing is started
 */
export function createStepSinks(
  deps: DeliveryDependencies & { logger: Logger },
  isWanted: boolean,
): InjectedSinks<LatchkeySinks> {
  return {
    webhooks: {
      stepChanged: {
        callDuringReplay: false,
        async fn({ runId }, change) {
          if (!isWanted) return;
          const starting = startOrLog(deps, stepEvent(runId, change));
          await raceTimeout({ ms: MAX_DELAY_OF_STEP_MS }, starting, () => {});
        },
      },
    },
  };
}

// The status is part of the id, because a repeated workflow task may end in another status than the first attempt,
// whose event was sent already.
function stepEvent(runId: string, { sequence, at, data }: StepChange): WebhookEvent {
  const type = data.status === 'awaiting-input' ? 'step.awaiting_input' : 'step.finished';
  return { id: `step_${runId}_${sequence}_${data.status}`, payload: { type, timestamp: at, data } };
}

async function startOrLog(
  deps: DeliveryDependencies & { logger: Logger },
  event: WebhookEvent,
): Promise<void> {
  try {
    await startDelivery(deps, event);
  } catch (error) {
    deps.logger.error({ err: error, event: 'webhook.lost', webhookId: event.id }, 'webhook.lost');
  }
}
