import { randomBytes } from 'node:crypto';
import { testInWorld } from '../support/fixtures.ts';
import { type Delivery, startWebhookReceiver, type TestReceiver } from './webhook-receiver.ts';

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
export const OLD_SECRET = newSecret();
export const NEW_SECRET = newSecret();
const STRANGE_SECRET = newSecret();

/** `testInWorld` with a webhook receiver, and without a worker: a file starts its own. */
export function testWithReceiver() {
  let started: TestReceiver | undefined;
  const test = testInWorld(async () => {
    started = await startWebhookReceiver([OLD_SECRET, NEW_SECRET, STRANGE_SECRET]);
    const webhooks = { url: started.url, secrets: [NEW_SECRET, OLD_SECRET] };
    return { withoutWorker: true, webhooks };
  });
  return test.extend<{ $file: { receiver: TestReceiver } }>({
    receiver: [
      // The world's options start it.
      async ({ world: _ }, use) => {
        if (started === undefined) throw new Error('the world has started no receiver');
        await use(started);
        await started.close();
      },
      { scope: 'file' },
    ],
  });
}

export function stepDeliveries(receiver: TestReceiver, userId: string): Delivery[] {
  return inOrder(receiver, userId, 'step.');
}

export function connectionDeliveries(receiver: TestReceiver, userId: string): Delivery[] {
  return inOrder(receiver, userId, 'connection.');
}

// By when it happened: deliveries of different events may overtake each other.
function inOrder(receiver: TestReceiver, userId: string, prefix: string): Delivery[] {
  return receiver.deliveries
    .filter(({ payload }) => payload.data.userId === userId && payload.type.startsWith(prefix))
    .sort((a, b) => a.payload.timestamp.localeCompare(b.payload.timestamp));
}
