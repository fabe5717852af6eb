import { describe, expect, vi } from 'vitest';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { sendWebhook } from '../../src/webhooks/send-webhook.ts';
import type { TestWorker } from '../support/test-worker.ts';
import { deliveryOfFirstChange } from './step-histories.ts';
import { NEW_SECRET, OLD_SECRET, testWithReceiver } from './webhook-fixture.ts';
import { status } from './webhook-receiver.ts';

const test = testWithReceiver();

let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  worker = await world.startWorker();
});

describe('a delivery', () => {
  test('is signed with both secrets while two are configured', async ({ world, receiver }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const [delivery] = await receiver.received(user, 1);
    expect(delivery?.verifiedWith).toEqual([OLD_SECRET, NEW_SECRET]);
  });

  test('is repeated after a failure, with the same id and body and a fresh timestamp', async ({
    world,
    receiver,
  }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(500));
    await world.users.connect(user);
    const [first, second] = await receiver.received(user, 2);
    expect(second).toMatchObject({ id: first?.id, body: first?.body });
    expect(second?.verifiedWith).toEqual([OLD_SECRET, NEW_SECRET]);
    expect(second?.timestamp).toBeGreaterThan(first?.timestamp ?? Number.POSITIVE_INFINITY);
    const handle = world.temporal.client.workflow.getHandle(`webhook/${first?.id}`);
    await expect(handle.result()).resolves.toBe('delivered');
  });

  test('waits for as long as the receiver asks', async ({ world, receiver }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(429, { 'retry-after': '3600' }));
    await world.users.connect(user);
    const [attempt] = await receiver.received(user, 1);
    const handle = world.temporal.client.workflow.getHandle(`webhook/${attempt?.id}`);
    await vi.waitFor(
      async () => {
        const { raw } = await handle.describe();
        expect(Number(raw.pendingActivities?.[0]?.currentRetryInterval?.seconds)).toBe(3600);
      },
      { timeout: 20_000 },
    );
    await handle.terminate();
  });

  test('does not follow a redirect', async ({ world, receiver }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(307, { location: `${receiver.url}/elsewhere` }));
    const network = createGuardedFetch({ policy: 'development' });
    const event = {
      id: 'event-1',
      payload: {
        type: 'connection.connected',
        timestamp: new Date().toISOString(),
        data: { userId: user, mcpServerId: 'ledger', account: 'default', status: 'connected', version: 1 },
      },
    } as const;
    await expect(
      sendWebhook(network.fetch, { url: receiver.url, secrets: [NEW_SECRET] }, event),
    ).resolves.toEqual({ kind: 'failed', cause: 'http-307' });
    expect(await receiver.received(user, 1)).toHaveLength(1);
    await network.close();
  });

  test('that is answered with 410 is the last one until the worker restarts', async ({ world, receiver }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(410));
    await world.users.connect(user);
    const [refused] = await receiver.received(user, 1);
    const { workflow } = world.temporal.client;
    await expect(workflow.getHandle(`webhook/${refused?.id}`).result()).resolves.toBe('disabled');

    const other = world.users.newUser();
    const step = await world.steps.start(other, { mcpServerId: 'nowhere' });
    await world.steps.result(step);
    const finished = workflow.getHandle(await deliveryOfFirstChange(world, step, 'error'));
    await expect(finished.result()).resolves.toBe('disabled');
    expect(receiver.deliveries.filter(({ payload }) => payload.data.userId === other)).toEqual([]);

    await worker.stop();
    worker = await world.startWorker();
    await world.users.connect(other);
    await expect(receiver.received(other, 1)).resolves.toHaveLength(1);
  });
});
