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
import { SIGNALS_AT_ONCE } from '../../src/temporal/signal-pace.ts';
import { clientWithHandles } from '../support/client-with-handles.ts';
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
  const refuse = () => Promise.reject(new Error('refused'));
  const refusing = clientWithHandles(client, ({ workflowId }) =>
    workflowId === refused?.workflowId ? { signal: refuse } : {},
  );

  const environment = new MockActivityEnvironment();
  await expect(signal(world, { client: refusing, key, environment })).rejects.toBeInstanceOf(TryLater);
  expect(await world.steps.waiting(key.userId)).toEqual([refused?.stepId]);

  const again = new MockActivityEnvironment();
  expect(await signal(world, { client, key, environment: again })).toEqual({ signalled: 1, more: false });
  expect(await world.steps.waiting(key.userId)).toEqual([]);
  expect(await Promise.all(steps.map((step) => signalsOf(world, step)))).toEqual([1, 1, 1]);
});

test('a cancelled activity signals nobody and keeps the rows', async ({ world }) => {
  const { key, steps } = await waitingSteps(world);
  const { client } = world.temporal;
  const environment = new MockActivityEnvironment();
  environment.cancel();

  await expect(signal(world, { client, key, environment })).rejects.toBeInstanceOf(CancelledFailure);

  expect(await world.steps.waiting(key.userId)).toHaveLength(steps.length);
  expect(await Promise.all(steps.map((step) => signalsOf(world, step)))).toEqual([0, 0, 0]);
});

test('many steps are signalled at the pace of the workers', async ({ world }) => {
  const userId = world.users.newUser();
  const key = { userId, mcpServerId: world.mcpServerId };
  await world.users.connect(userId);
  // They have ended, so that no worker is needed.
  const ids = Array.from({ length: 3 * SIGNALS_AT_ONCE + 1 }, (_, index) => `${userId}/${1_000 + index}`);
  for (const id of ids) {
    await registerWaiter(world.services.db, { ...key, workflowId: id, stepId: id, seenVersion: 0 });
  }
  const looks: string[] = [];
  const client = clientWithHandles(world.temporal.client, (handle) => ({
    describe() {
      looks.push(handle.workflowId);
      return handle.describe();
    },
  }));

  const environment = new MockActivityEnvironment();
  expect(await signal(world, { client, key, environment })).toEqual({ signalled: ids.length, more: false });

  expect(looks).toEqual([ids[SIGNALS_AT_ONCE - 1], ids[2 * SIGNALS_AT_ONCE - 1]]);
  expect(await world.steps.waiting(userId)).toEqual([]);
});
