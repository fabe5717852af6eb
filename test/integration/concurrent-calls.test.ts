import { describe, expect, onTestFinished, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testInWorld } from '../support/fixtures.ts';
import { holdCalls } from '../support/held-calls.ts';
import { connectTemporal } from '../support/temporal.ts';
import { startTestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();
const LIMIT = 2;
const STEPS = 8;
const WAIT = { timeout: 30_000 };

describe(`a server with a limit of ${LIMIT} calls at once`, () => {
  test('gets no more from two workers together, and each step is made once', async ({ world, scripted }) => {
    await startSecondWorker(world);
    const { server, mcpServerId } = await scripted.register({ maxConcurrentCalls: LIMIT });
    const held = holdCalls(server);

    const steps = await startSteps(world, mcpServerId);
    await untilOneWaitsForItsTurn(world, steps);
    await vi.waitFor(() => expect(held.count()).toBe(LIMIT), WAIT);
    expect(held.most()).toBe(LIMIT);

    held.letGo();
    const results = await Promise.all(steps.map(world.steps.result));
    expect(results.map(({ status }) => status)).toEqual(Array(STEPS).fill('success'));
    expect(server.count('tools/call')).toBe(STEPS);
  });

  test('gets more without that limit (negative control)', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    const held = holdCalls(server);

    await startSteps(world, mcpServerId);

    await vi.waitFor(() => expect(held.count()).toBe(STEPS), WAIT);
  });
});

// On a connection of its own: two workers of one task queue can't share one.
async function startSecondWorker({ config, temporal: { namespace }, services }: World): Promise<void> {
  const temporal = await connectTemporal(namespace);
  const worker = await startTestWorker(config, temporal, services);
  onTestFinished(async () => {
    await worker.stop();
    await temporal.close();
  });
}

function startSteps(world: World, mcpServerId: string): Promise<StepView[]> {
  return Promise.all(
    Array.from({ length: STEPS }, (_, n) => world.steps.start(`user-${n}`, { mcpServerId, tool: 'echo' })),
  );
}

async function untilOneWaitsForItsTurn(world: World, steps: StepView[]): Promise<void> {
  await vi.waitFor(async () => {
    const seen = await Promise.all(steps.map(({ stepId }, n) => world.steps.get(`user-${n}`, stepId)));
    const events = seen.flatMap((step) => step?.timeline.map(({ event }) => event) ?? []);
    expect(events).toContain('waiting-for-turn');
  }, WAIT);
}
