import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../support/api.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let api: TestApi;

beforeAll(async () => {
  world = await createWorld({ withoutWorker: true });
  api = await startTestApi(world);
});

afterAll(async () => {
  await api.stop();
  await world.stop();
});

test('a decision that no worker answers is a 503, and applies when a worker is back', async () => {
  const user = world.newUser();
  await world.connect(user);
  const worker = await world.startWorker();
  const { stepId } = await world.start(user, { mode: 'automated-with-confirmation' });
  const step = await world.until(user, stepId, 'awaiting-input');
  await worker.stop();

  const answer = await api.ask(user, `POST /steps/${stepId}/approve`, {});

  expect(answer).toMatchObject({ status: 503, body: { code: 'no-worker' } });
  const back = await world.startWorker();
  await expect(
    Promise.race([world.result(step), world.until(user, stepId, 'success')]),
  ).resolves.toMatchObject({
    status: 'success',
  });
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
  await back.stop();
});
