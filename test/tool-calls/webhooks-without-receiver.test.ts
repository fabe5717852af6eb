import { expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';
import { deliveryOfFirstChange, historyLength } from './step-histories.ts';

const test = testInWorld();

test('a step of a worker without a webhook receiver starts no delivery', async ({ world }) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const step = await world.steps.start(user);
  await world.steps.result(step);
  const { workflow } = world.temporal.client;
  await expect(
    workflow.getHandle(await deliveryOfFirstChange(world, step, 'success')).describe(),
  ).rejects.toThrow(/not found/i);
  expect(await historyLength(world, step)).toBe(11);
});

test('connection events are deleted after a day without a webhook receiver', async ({ world }) => {
  const early = world.users.newUser();
  const late = world.users.newUser();
  await world.users.connect(early);
  await world.services.db.query("UPDATE mcp_connection_event SET happened_at = now() - interval '25 h'");
  await world.users.connect(late);
  await reconcile(world);
  const { rows } = await world.services.db.query('SELECT user_id FROM mcp_connection_event');
  expect(rows).toEqual([{ user_id: late }]);
});

async function reconcile({ temporal, config, users }: World): Promise<void> {
  await temporal.client.workflow.execute('reconcile', {
    taskQueue: config.taskQueue,
    workflowId: `reconcile-${users.newUser()}`,
    args: [],
  });
}
