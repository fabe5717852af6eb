import type { Client } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect } from 'vitest';
import { TryLater } from '../../src/activities/failures.ts';
import { createSignalWaiters } from '../../src/activities/signal-waiters.ts';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld({ withoutWorker: true });

/** Three steps that no worker runs, registered as if they waited for the deposit that there is now. */
async function waitingSteps(world: World): Promise<{ key: CredentialKey; steps: StepView[] }> {
  const userId = world.users.newUser();
  const key = { userId, mcpServerId: world.mcpServerId };
  await world.users.connect(userId);
  const start = () => world.steps.start(userId);
  const steps = [await start(), await start(), await start()];
  for (const { workflowId, stepId } of steps) {
    await registerWaiter(world.services.db, { ...key, workflowId, stepId, seenVersion: 0 });
  }
  return { key, steps };
}

function signal(
  { services: { db } }: World,
  { client, key, environment }: { client: Client; key: CredentialKey; environment: MockActivityEnvironment },
): Promise<unknown> {
  const signalWaiters = createSignalWaiters({ db, client, logger: createLogger({ level: 'silent' }) });
  return environment.run(signalWaiters, { ...key, version: 1 });
}

async function signalsOf(world: World, { workflowId }: StepView): Promise<number> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}

test('a step that can’t be signalled keeps its row, and the others are told once', async ({ world }) => {
  const { key, steps } = await waitingSteps(world);
  const [refused] = steps;
  const { client } = world.temporal;
  const getHandle = (workflowId: string) => {
    const handle = client.workflow.getHandle(workflowId);
    if (workflowId !== refused?.workflowId) return handle;
    return Object.assign(Object.create(handle), { signal: () => Promise.reject(new Error('refused')) });
  };
  const workflow = { value: Object.assign(Object.create(client.workflow), { getHandle }) };
  const refusing: Client = Object.create(client, { workflow });

  const environment = new MockActivityEnvironment();
  await expect(signal(world, { client: refusing, key, environment })).rejects.toBeInstanceOf(TryLater);
  expect(await world.steps.waiting(key.userId)).toEqual([refused?.stepId]);

  const again = new MockActivityEnvironment();
  expect(await signal(world, { client, key, environment: again })).toEqual({ signalled: 1, more: false });
  expect(await world.steps.waiting(key.userId)).toEqual([]);
  expect(await Promise.all(steps.map((step) => signalsOf(world, step)))).toEqual([1, 1, 1]);
});

test('an activity that is cancelled signals nobody, and leaves the rows to the next one', async ({
  world,
}) => {
  const { key, steps } = await waitingSteps(world);
  const { client } = world.temporal;
  const environment = new MockActivityEnvironment();
  environment.cancel();

  await expect(signal(world, { client, key, environment })).rejects.toBeInstanceOf(CancelledFailure);

  expect(await world.steps.waiting(key.userId)).toHaveLength(steps.length);
  expect(await Promise.all(steps.map((step) => signalsOf(world, step)))).toEqual([0, 0, 0]);
});
