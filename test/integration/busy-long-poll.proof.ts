import { expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

const EVENTS = 25;

test('a long poll on a step in which much happens adds no listener for each event', async ({ world }) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  const user = world.users.newUser();
  const step = await world.steps.start(user);
  await world.steps.until(user, step.stepId, 'awaiting-input');
  const before = await historyLength(world, step.workflowId);

  const polled = world.steps.waitForChange(user, step.stepId, { timeoutMs: 60_000 });
  // Each is looked at and found to be old: the step goes on waiting.
  const handle = world.temporal.client.workflow.getHandle(step.workflowId);
  for (let sent = 0; sent < EVENTS; sent++) {
    const length = await historyLength(world, step.workflowId);
    await handle.signal('credentialDeposited', { mcpServerId: world.mcpServerId, version: 0 });
    await expect.poll(() => historyLength(world, step.workflowId)).toBeGreaterThan(length);
  }
  await world.steps.cancel(user, step.stepId);

  expect((await polled)?.status).toBe('cancelled');
  expect(await historyLength(world, step.workflowId)).toBeGreaterThan(before + EVENTS);
  expect(warnings.map(({ name }) => name)).not.toContain('MaxListenersExceededWarning');
  process.off('warning', onWarning);
});

async function historyLength(world: World, workflowId: string): Promise<number> {
  return (await world.temporal.client.workflow.getHandle(workflowId).describe()).historyLength;
}
