import { Webhook } from 'standardwebhooks';
import { startDeadline } from '../async/deadline.ts';
import type { WebhookEvent } from '../contracts/webhooks.ts';
import { type GuardedFetch, NetworkError } from '../net/network.ts';
import { retryAfterMs } from '../oauth/retry-after.ts';

/** The receiver of all events. */
export interface WebhookReceiver {
  url: string;
  /** One `whsec_…`, or two while the secret is being replaced. Each signs. */
  secrets: readonly string[];
}

export type SendWebhookOutcome =
  | { kind: 'delivered' }
  /** HTTP 410: the receiver wants no more events. */
  | { kind: 'gone' }
  | { kind: 'failed'; cause: string; retryAfterMs?: number };

const RESPONSE_TIMEOUT_MS = 15_000;
const HEADERS = { 'content-type': 'application/json', 'user-agent': 'latchkey' };

/**
 * Sends an event once. Id and body are the same on every attempt; timestamp and signatures are new. A redirect is not
 * followed and counts as a failure. The body of the response is not read.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export async function sendWebhook(
  guardedFetch: GuardedFetch,
  receiver: WebhookReceiver,
  { id, payload }: WebhookEvent,
): Promise<SendWebhookOutcome> {
  const body = JSON.stringify(payload);
  try {
    const response = await guardedFetch(receiver.url, {
      method: 'POST',
      headers: { ...HEADERS, ...signedHeaders(receiver, id, body) },
      body,
      addressFrom: 'admin',
      headersTimeoutMs: RESPONSE_TIMEOUT_MS,
      signal: startDeadline(RESPONSE_TIMEOUT_MS).signal,
    });
    await response.body?.cancel();
    return outcomeOf(response);
  } catch (error) {
    if (error instanceof NetworkError) return { kind: 'failed', cause: error.code };
    throw error;
  }
}

function signedHeaders({ secrets }: WebhookReceiver, id: string, body: string): Record<string, string> {
  const now = new Date();
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
  };
}

function outcomeOf({ ok, status, headers }: Response): SendWebhookOutcome {
  if (ok) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  const after = retryAfterMs(headers.get('retry-after'), headers.get('date'));
  return {
    kind: 'failed',
    cause: `http-${status}`,
    ...(after !== undefined && { retryAfterMs: after }),
  };
}
