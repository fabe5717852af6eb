import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

test('a terminated step is counted neither as waiting nor as resuming', async ({ world, api }) => {
  const user = world.users.newUser();
  await connectAndLose(world, user);
  const [ended, alive] = [await startPaused(world, user), await startPaused(world, user)];
  expect(await waitingSteps(api, user)).toBe(2);

  await terminate(world, ended);

  expect(await waitingSteps(api, user)).toBe(1);
  expect(await deposit(world, api, user)).toMatchObject({ status: 200, body: { resuming: 1 } });
  await expect(world.steps.result(alive)).resolves.toMatchObject({ status: 'success' });
});

test('a deposit resumes no step when all waiting steps were terminated', async ({ world, api }) => {
  const user = world.users.newUser();
  const steps = [
    await startPaused(world, user),
    await startPaused(world, user),
    await startPaused(world, user),
  ];
  await Promise.all(steps.map((one) => terminate(world, one)));

  expect(await deposit(world, api, user)).toMatchObject({ status: 200, body: { resuming: 0 } });

  expect(await waitingSteps(api, user)).toBe(0);
  expect(await world.steps.waiting(user)).toEqual([]);
});

test('a step that waits in a run after a reset is counted and resumed', async ({ world, api }) => {
  const user = world.users.newUser();
  const step = await startPaused(world, user);
  await reset(world, step);
  await world.steps.until(user, step.stepId, 'awaiting-input');

  expect(await deposit(world, api, user)).toMatchObject({ status: 200, body: { resuming: 1 } });

  await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
});

test('a step that is reset to before its call calls again with the same key, and says that it was reset', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const step = await world.steps.start(user);
  await world.steps.result(step);

  await reset(world, step);

  await expect.poll(() => world.mcpServer.calls({ user }).length).toBe(2);
  await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
  const [first, second] = world.mcpServer.calls({ user }).map((call) => call.idempotencyKey);
  expect(first).toBeTypeOf('string');
  expect(second).toBe(first);
  expect(await eventsOf(api, user, step)).toEqual(['started', 'reset', 'finished']);
});

test('a step that was never reset does not say so', async ({ world, api }) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const step = await world.steps.start(user);
  await world.steps.result(step);

  expect(await eventsOf(api, user, step)).toEqual(['started', 'finished']);
});

async function connectAndLose(world: World, user: string): Promise<void> {
  await world.users.connect(user);
  await world.steps.result(await world.steps.start(user));
  world.authorizationServer.control.revokeGrants(user);
}

async function startPaused(world: World, user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function terminate(world: World, { workflowId }: StepView): Promise<void> {
  await world.temporal.client.workflow.getHandle(workflowId).terminate();
}

/** To where its first task has ended: before the call. */
async function reset(world: World, { workflowId }: StepView): Promise<void> {
  const { client, namespace } = world.temporal;
  await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    reason: 'a test',
    // WorkflowTaskCompleted, behind WorkflowTaskStarted.
    workflowTaskFinishEventId: 4,
    requestId: randomUUID(),
  } as never);
}

async function waitingSteps(api: TestApi, user: string): Promise<number> {
  const { body } = await api.ask(user, 'GET /mcp-oauth-credentials');
  // The cast names what the route's own tests check.
  const { connections } = body as { connections: { waitingSteps: number }[] };
  return connections.reduce((sum, connection) => sum + connection.waitingSteps, 0);
}

async function deposit(world: World, api: TestApi, user: string) {
  return api.ask(user, 'POST /mcp-oauth-credentials', await world.users.consent(user));
}

async function eventsOf(api: TestApi, user: string, { stepId }: StepView): Promise<string[]> {
  const { body } = await api.ask(user, `GET /steps/${stepId}`);
  return (body as StepView).timeline.map(({ event }) => event);
}
