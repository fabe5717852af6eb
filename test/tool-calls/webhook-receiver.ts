import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { vi } from 'vitest';
import type { WebhookPayload } from '../../src/contracts/webhooks.ts';

/** One attempt to deliver an event, as the receiver saw it. */
export interface Delivery {
  id: string;
  /** Seconds since 1970. */
  timestamp: number;
  /** The secrets that its signatures were verified with. */
  verifiedWith: string[];
  body: string;
  payload: WebhookPayload;
}

/** Leaves the response as it likes, also open. */
export type Answer = (response: ServerResponse) => void;

/** Somebody's endpoint for webhooks: verifies with the library that its owner would use. */
export interface TestReceiver {
  url: string;
  /** All attempts of all users' events. */
  deliveries: Delivery[];
  /** Attempts of events about that user are answered so, in that order; all further ones with 204. */
  answer(userId: string, ...answers: Answer[]): void;
  /** The attempts about that user as soon as there are so many. */
  received(userId: string, count: number): Promise<Delivery[]>;
  close(): Promise<void>;
}

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end();

export async function startWebhookReceiver(secrets: string[]): Promise<TestReceiver> {
  const deliveries: Delivery[] = [];
  const answers = new Map<string, Answer[]>();
  const of = (userId: string) => deliveries.filter(({ payload }) => payload.data.userId === userId);
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const delivery = read(request.headers, body, secrets);
    deliveries.push(delivery);
    const answer = answers.get(delivery.payload.data.userId)?.shift() ?? status(204);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    deliveries,
    answer: (userId, ...given) => void answers.set(userId, given),
    received: (userId, count) =>
      vi.waitFor(
        () => {
          const received = of(userId);
          if (received.length >= count) return received;
          throw new Error(`received ${received.length} instead of ${count}`);
        },
        { timeout: 25_000, interval: 50 },
      ),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function read(headers: Record<string, unknown>, body: string, secrets: string[]): Delivery {
  const signed = {
    'webhook-id': String(headers['webhook-id']),
    'webhook-timestamp': String(headers['webhook-timestamp']),
    'webhook-signature': String(headers['webhook-signature']),
  };
  return {
    id: signed['webhook-id'],
    timestamp: Number(signed['webhook-timestamp']),
    verifiedWith: secrets.filter((secret) => verifies(secret, body, signed)),
    body,
    // The cast trusts the contract; the tests compare what matters of it.
    payload: JSON.parse(body) as WebhookPayload,
  };
}

function verifies(secret: string, body: string, signed: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, signed);
    return true;
  } catch {
    return false;
  }
}
