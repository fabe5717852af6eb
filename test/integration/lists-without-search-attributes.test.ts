import { expect } from 'vitest';
import { createStepClient } from '../../src/steps/step-client.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace([]) }));

type Page = { steps: { stepId: string }[] };

const WAIT = { timeout: 30_000 };

test('lists by status and the resolving of many find the steps without the search attributes', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  await world.steps.start(user, { stepId: 'done' });
  await world.steps.until(user, 'done', 'success');
  await world.steps.start(user, { stepId: 'waits', mode: 'automated-with-confirmation' });
  await world.steps.until(user, 'waits', 'awaiting-input');
  await world.steps.start(user, { stepId: 'skipped', mode: 'automated-with-confirmation' });
  await world.steps.until(user, 'skipped', 'awaiting-input');
  await world.steps.reject(user, 'skipped');

  const idsBy = async (status: string) => {
    const { body } = await api.ask(user, `GET /steps?status=${status}`);
    return (body as Page).steps.map(({ stepId }) => stepId);
  };
  await expect.poll(() => idsBy('skipped'), WAIT).toStrictEqual(['skipped']);
  expect(await idsBy('awaiting-input')).toStrictEqual(['waits']);
  expect(await idsBy('success')).toStrictEqual(['done']);
  for (const status of ['running', 'error', 'cancelled']) expect(await idsBy(status)).toStrictEqual([]);
  const idsAt = async (mcpServerId: string, more = '') => {
    const { body } = await api.ask(user, `GET /steps?mcpServerId=${mcpServerId}${more}`);
    return (body as Page).steps.map(({ stepId }) => stepId).sort();
  };
  expect(await idsAt(world.mcpServerId)).toStrictEqual(['done', 'skipped', 'waits']);
  expect(await idsAt(world.mcpServerId, '&status=skipped')).toStrictEqual(['skipped']);
  expect(await idsAt('LEDGER')).toStrictEqual([]);
  const undecided = await createStepClient({
    client: world.temporal.client,
    taskQueue: world.config.taskQueue,
  }).listUndecided({ userId: user, limit: 10 });
  expect(undecided).toMatchObject({ steps: [{ stepId: 'waits' }], isCut: false });
  const many = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z', action: 'fail' };
  const resolve = (mcpServerId: string) =>
    api.askAsAdmin('POST /steps/resolve-many', { ...many, mcpServerId });
  expect(await resolve(world.mcpServerId)).toMatchObject({ status: 200, body: { skipped: 1 } });
  expect(await resolve('LEDGER')).toMatchObject({ status: 200, body: { skipped: 0 } });
});

test('resuming a server finds its steps without the search attributes', async ({ world, api, scripted }) => {
  const user = world.users.newUser();
  const [resumed, paused] = [
    await scripted.register({ paused: true }),
    await scripted.register({ paused: true }),
  ];
  const waits = await world.steps.start(user, { mcpServerId: resumed.mcpServerId });
  const other = await world.steps.start(user, { mcpServerId: paused.mcpServerId });
  const eventsOf = async (stepId: string) =>
    (await world.steps.reported(user, stepId)).timeline.map(({ event }) => event);
  for (const { stepId } of [waits, other]) {
    await expect.poll(() => eventsOf(stepId), WAIT).toStrictEqual(['started', 'server-paused']);
  }

  await api.askAsAdmin(`POST /mcp-servers/${resumed.mcpServerId}/resume`);

  expect(await world.steps.result(waits)).toMatchObject({ status: 'success' });
  expect(await eventsOf(other.stepId)).toStrictEqual(['started', 'server-paused']);
});
