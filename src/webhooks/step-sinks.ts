import type { InjectedSinks } from '@temporalio/worker';
import type { LatchkeySinks, StepChange, WebhookEvent } from '../contracts/webhooks.ts';
import type { Logger } from '../logging/logger.ts';
import { type DeliveryDependencies, startDelivery } from './start-delivery.ts';

const HOLD_UP_A_STEP_MS = 1_000;

/**
 * Takes on what steps tell. Temporal waits for a sink before it completes the workflow task, so an event is not
 * lost with a worker that dies, and calls it again when the task is repeated: at least once. A step is held up
 * by it for a second at most, whatever Temporal does, and never fails.
 *
 * @param isWanted false: there is no receiver, and nothing is started
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
          if (isWanted) await atMost(HOLD_UP_A_STEP_MS, takeOn(deps, stepEvent(runId, change)));
        },
      },
    },
  };
}

// The status is part of the name: a workflow task that is repeated may come to another end than the attempt
// whose event went out.
function stepEvent(runId: string, { sequence, at, data }: StepChange): WebhookEvent {
  const type = data.status === 'awaiting-input' ? 'step.awaiting_input' : 'step.finished';
  return { id: `step_${runId}_${sequence}_${data.status}`, payload: { type, timestamp: at, data } };
}

async function takeOn(deps: DeliveryDependencies & { logger: Logger }, event: WebhookEvent): Promise<void> {
  try {
    await startDelivery(deps, event);
  } catch (error) {
    deps.logger.error({ err: error, event: 'webhook.lost', webhookId: event.id }, 'webhook.lost');
  }
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, tired]);
  clearTimeout(timer);
}
