import type { Client, WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, onTestFinished, vi } from 'vitest';
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

const FOUR_MINUTES = 4 * 60_000;

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

/** Steps that have ended, so that no worker is needed, registered as if they waited for the deposit that there is now. */
async function endedWaiters(world: World, count: number): Promise<{ key: CredentialKey; ids: string[] }> {
  const userId = world.users.newUser();
  const key = { userId, mcpServerId: world.mcpServerId };
  await world.users.connect(userId);
  const ids = Array.from({ length: count }, (_, index) => `${userId}/${1_000 + index}`);
  for (const id of ids) {
    await registerWaiter(world.services.db, { ...key, workflowId: id, stepId: id, seenVersion: 0 });
  }
  return { key, ids };
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
  const { key, ids } = await endedWaiters(world, 3 * SIGNALS_AT_ONCE + 1);
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
  expect(await world.steps.waiting(key.userId)).toEqual([]);
});

test('after five minutes, the rest of the steps is left to the next activity', async ({ world }) => {
  const { key, ids } = await endedWaiters(world, 3 * SIGNALS_AT_ONCE);
  const { client } = world.temporal;
  const now = performance.now.bind(performance);
  let passed = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passed);
  onTestFinished(() => clock.mockRestore());
  const slow = clientWithHandles(client, (handle) => ({
    signal(...args: Parameters<WorkflowHandle['signal']>) {
      passed += FOUR_MINUTES / SIGNALS_AT_ONCE;
      return handle.signal(...args);
    },
  }));

  const environment = new MockActivityEnvironment();
  const outcome = await signal(world, { client: slow, key, environment });

  // Four minutes have passed after the first batch, eight after the second.
  expect(outcome).toEqual({ signalled: 2 * SIGNALS_AT_ONCE, more: true });
  expect((await world.steps.waiting(key.userId)).sort()).toEqual(ids.slice(2 * SIGNALS_AT_ONCE));
  const again = new MockActivityEnvironment();
  expect(await signal(world, { client, key, environment: again })).toMatchObject({
    signalled: SIGNALS_AT_ONCE,
  });
});
