import { Context } from '@temporalio/activity';
import { type Jitter, withJitter } from '../contracts/backoff.ts';
import type { DeliverWebhookOutcome, WebhookEvent } from '../contracts/webhooks.ts';
import type { Logger } from '../logging/logger.ts';
import type { GuardedFetch } from '../net/network.ts';
import { type SendWebhookOutcome, sendWebhook, type WebhookReceiver } from '../webhooks/send-webhook.ts';
import { TryLater } from './failures.ts';

export interface DeliverWebhookDependencies {
  guardedFetch: GuardedFetch;
  logger: Logger;
  /** Undefined if this worker has no receiver configured. */
  webhookReceiver: WebhookReceiver | undefined;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The waits before the second attempt, the third, and so on. The last one repeats: the attempts span about a day. */
const WAITS_MS = [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 8 * HOUR];
/** Up to 10 % more, so that deliveries that failed together don't retry together. */
const JITTER: Jitter = { from: 1, spread: 0.1 };
/** Another worker may have a receiver: this one may have started before it was configured. */
const NO_RECEIVER_RETRY_MS = 30 * SECOND;

/**
 * Delivers an event. After an answer of HTTP 410 this process sends nothing more to the receiver.
 *
 * @throws TryLater if the receiver can't be reached or refuses
 */
export function createDeliverWebhook({ guardedFetch, logger, webhookReceiver }: DeliverWebhookDependencies) {
  let isDisabled = false;

  return async function deliverWebhook(event: WebhookEvent): Promise<DeliverWebhookOutcome> {
    if (webhookReceiver === undefined) throw new TryLater('no receiver is configured', NO_RECEIVER_RETRY_MS);
    if (isDisabled) return 'disabled';
    const outcome = await sendWebhook(guardedFetch, webhookReceiver, event);
    switch (outcome.kind) {
      case 'delivered':
        return 'delivered';
      case 'gone':
        isDisabled = true;
        logger.error({ event: 'webhook.disabled', webhookId: event.id }, 'webhook.disabled');
        return 'disabled';
      case 'failed':
        return tryLater(logger, event, outcome);
      default:
        return outcome satisfies never;
    }
  };
}

function tryLater(
  logger: Logger,
  { id }: WebhookEvent,
  { cause, retryAfterMs = 0 }: Extract<SendWebhookOutcome, { kind: 'failed' }>,
): never {
  const { attempt } = Context.current().info;
  logger.warn({ event: 'webhook.failed', webhookId: id, attempt, cause }, 'webhook.failed');
  throw new TryLater(`webhook: ${cause}`, Math.max(waitMs(attempt), retryAfterMs));
}

function waitMs(attempt: number): number {
  const wait = WAITS_MS[Math.min(attempt, WAITS_MS.length) - 1] ?? HOUR;
  return withJitter(wait, JITTER);
}
