import { expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld({ withoutWorker: true });

test('a decision that no worker answers gets a 503 and applies when a worker is back', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const worker = await world.startWorker();
  const { stepId } = await world.steps.start(user, { mode: 'automated-with-confirmation' });
  const step = await world.steps.until(user, stepId, 'awaiting-input');
  await worker.stop();

  const answer = await api.ask(user, `POST /steps/${stepId}/approve`, {});

  expect(answer).toMatchObject({ status: 503, body: { code: 'no-worker' } });
  const back = await world.startWorker();
  await expect(
    Promise.race([world.steps.result(step), world.steps.until(user, stepId, 'success')]),
  ).resolves.toMatchObject({
    status: 'success',
  });
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
  await back.stop();
});
