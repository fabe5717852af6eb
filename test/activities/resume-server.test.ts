import { type Client, ServiceError } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect } from 'vitest';
import { TryLater } from '../../src/activities/failures.ts';
import { createSignalStepsOfServer } from '../../src/activities/resume-server.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { clientWithHandles } from '../support/client-with-handles.ts';
import { testInWorld } from '../support/fixtures.ts';
import { untilRunning } from '../support/running-steps.ts';
import { newServerId } from '../support/scripted-servers.ts';
import type { World } from '../support/world.ts';

// A refusal by a real server: integration/signal-limit.proof.ts. Here it is made up, because it takes 10,000 signals.

const test = testInWorld({ withoutWorker: true });

const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;

/** Three steps of a resumed server that no worker runs, as soon as Temporal lists them. */
async function runningSteps(world: World): Promise<{ mcpServerId: string; steps: StepView[] }> {
  const mcpServerId = newServerId();
  await world.register(mcpServerId, { url: world.mcpServer.url, auth: { type: 'none' } });
  const user = world.users.newUser();
  const start = () => world.steps.start(user, { mcpServerId });
  const steps = [await start(), await start(), await start()];
  await untilRunning(world.temporal.client, mcpServerId, steps.length);
  return { mcpServerId, steps };
}

/** The same client, for which Temporal refuses signals to one workflow with this gRPC status. */
function refusing(client: Client, { workflowId: refused }: StepView, code: number): Client {
  const cause = Object.assign(new Error('refused'), { code, details: 'refused', metadata: {} });
  const signal = () => Promise.reject(new ServiceError('Failed to signal Workflow', { cause }));
  return clientWithHandles(client, ({ workflowId }) => (workflowId === refused ? { signal } : {}));
}

async function signalAll(world: World, mcpServerId: string, client: Client): Promise<unknown> {
  const { db } = world.services;
  const signalSteps = createSignalStepsOfServer({ db, client, logger: createLogger({ level: 'silent' }) });
  return new MockActivityEnvironment().run(signalSteps, { mcpServerId, resumption: 1 });
}

async function signalsOf(world: World, { workflowId }: StepView): Promise<number> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}

test('a step that Temporal never signals again is left out: the others are told once, and nothing is repeated', async ({
  world,
}) => {
  const { mcpServerId, steps } = await runningSteps(world);
  const [full, ...others] = steps as [StepView, StepView, StepView];
  const client = refusing(world.temporal.client, full, INVALID_ARGUMENT);

  expect(await signalAll(world, mcpServerId, client)).toBe(others.length);

  for (const step of others) expect(await signalsOf(world, step)).toBe(1);
  expect(await signalsOf(world, full)).toBe(0);
});

test('a step that Temporal can’t signal now is tried again later, and the others are told', async ({
  world,
}) => {
  const { mcpServerId, steps } = await runningSteps(world);
  const [away, ...others] = steps as [StepView, StepView, StepView];
  const client = refusing(world.temporal.client, away, UNAVAILABLE);

  await expect(signalAll(world, mcpServerId, client)).rejects.toThrow(TryLater);

  for (const step of others) expect(await signalsOf(world, step)).toBe(1);
  expect(await signalAll(world, mcpServerId, world.temporal.client)).toBe(steps.length);
  expect(await signalsOf(world, away)).toBe(1);
});
