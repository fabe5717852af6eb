import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { McpStepInput } from '../../src/contracts/step.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { createWorld, INVOICE, type World } from '../support/world.ts';

const test = testInWorld();

test('a start asks Temporal nothing, and answers with the time that every later answer has', async ({
  world,
}) => {
  const { workflowService } = world.temporal.client;
  const describing = vi.spyOn(workflowService, 'describeWorkflowExecution');
  onTestFinished(() => describing.mockRestore());
  const request = requestOf(world, world.users.newUser());

  const started = await world.steps.tryStart(request);

  expect(describing).not.toHaveBeenCalled();
  const { createdAt } = await world.steps.until(request.userId, request.stepId, 'awaiting-input');
  expect(started).toMatchObject({ kind: 'started', step: { createdAt, updatedAt: createdAt } });
  expect(describing).toHaveBeenCalled();
});

describe('a step started under the id of another', () => {
  test('returns the existing step for equal arguments in any order, while it runs and after its end', async ({
    world,
  }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const request = requestOf(world, user, { arguments: { customer: 'ACME', amount: 42 } });
    const same = { ...request, arguments: { amount: 42, customer: 'ACME' } };
    const hold = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });

    const first = await world.steps.tryStart(request);
    await hold.reached();
    expect(await world.steps.tryStart(same)).toMatchObject({ kind: 'existing', step: { status: 'running' } });
    hold.release();
    if (first.kind === 'started') await world.steps.result(first.step);

    expect(await world.steps.tryStart(same)).toMatchObject({
      kind: 'existing',
      step: { stepId: request.stepId, status: 'success', result: { structuredContent: INVOICE } },
    });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('is refused when its request differs', async ({ world }) => {
    const user = world.users.newUser();
    const request = requestOf(world, user);
    await world.steps.tryStart(request);

    for (const change of [
      { tool: 'send_message' },
      { arguments: { ...INVOICE, amount: 43 } },
      { title: 'Invoice' },
      { mcpServerId: 'another' },
      { timeouts: { reauth: '1h' } },
    ]) {
      expect(await world.steps.tryStart({ ...request, ...change })).toEqual({ kind: 'conflict' });
    }
  });

  test('is a new step when another user starts it', async ({ world }) => {
    const [user, other] = [world.users.newUser(), world.users.newUser()];
    const request = requestOf(world, user);

    expect(await world.steps.tryStart(request)).toMatchObject({ kind: 'started' });
    expect(await world.steps.tryStart({ ...request, userId: other })).toMatchObject({ kind: 'started' });
  });

  test('starts one step when it is started twenty times at once', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const request = requestOf(world, user);

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => world.steps.tryStart(request)));

    expect(outcomes.filter(({ kind }) => kind === 'started')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'existing')).toHaveLength(19);
    await world.steps.until(user, request.stepId, 'success');
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });
});

describe('a user id', () => {
  test.for([
    ['with a quote', "o'brien"],
    ['with slashes', 'team/../ann'],
    ['that is an issuer and a subject', 'https://issuer.example|auth0|5f7c'],
    ['longer than a workflow id', 'ü'.repeat(255)],
  ] as const)('%s starts, shows, lists and cancels steps like any other', async ([_, name], { world }) => {
    const user = name.length === 255 ? name : `${name} ${randomUUID()}`;
    const { stepId } = await world.steps.start(user);

    expect(await world.steps.until(user, stepId, 'awaiting-input')).toMatchObject({ stepId });
    await expect.poll(() => world.steps.list(user, { limit: 10 })).toMatchObject({ steps: [{ stepId }] });
    expect(await world.steps.cancel(user, stepId)).toBe(true);
    await world.steps.until(user, stepId, 'cancelled');
  });
});

describe('a step started by a bare Temporal client, with plain JSON alone', () => {
  test('runs, and the step client shows it if its workflow id has the form', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const workflowId = stepWorkflowId(user, 'bare');
    const args = [
      { userId: user, mcpServerId: world.mcpServerId, tool: 'create_invoice', arguments: INVOICE },
    ];
    const { taskQueue } = world.config;

    const result = world.temporal.client.workflow.execute('mcpStep', { workflowId, taskQueue, args });

    await expect(result).resolves.toMatchObject({ status: 'success' });
    expect(await world.steps.get(user, 'bare')).toMatchObject({
      workflowId,
      mcpServerId: world.mcpServerId,
      tool: 'create_invoice',
      status: 'success',
      result: { structuredContent: INVOICE },
    });
  });

  test('pauses and resumes although it carries no search attributes', async ({ world }) => {
    const user = world.users.newUser();
    const workflowId = stepWorkflowId(user, 'bare');
    const input = {
      userId: user,
      mcpServerId: world.mcpServerId,
      tool: 'create_invoice',
      arguments: INVOICE,
    };
    const { taskQueue } = world.config;
    const handle = await world.temporal.client.workflow.start('mcpStep', {
      workflowId,
      taskQueue,
      args: [input],
    });

    expect(await world.steps.until(user, 'bare', 'awaiting-input')).toMatchObject({
      connectionReason: 'not-connected',
    });
    await world.users.connect(user);
    await expect(handle.result()).resolves.toMatchObject({ status: 'success' });
  });

  test('ends as invalid-arguments when its input is not a step', async ({ world }) => {
    const { taskQueue } = world.config;
    const options = { workflowId: randomUUID(), taskQueue, args: [{ userId: 7 }] };
    await expect(world.temporal.client.workflow.execute('mcpStep', options)).resolves.toMatchObject({
      status: 'error',
      error: { code: 'invalid-arguments' },
    });
  });
});

test('steps start, pause, resume and are listed in a namespace without the search attributes', async ({
  world,
}) => {
  const plain = await createWorld({ namespace: await createTestNamespace([]) });
  onTestFinished(() => plain.stop());
  const user = plain.users.newUser();
  const step = await plain.steps.start(user);

  await plain.steps.until(user, step.stepId, 'awaiting-input');
  expect(await plain.steps.tryStart(requestOf(world, user, { stepId: step.stepId }))).toMatchObject({
    kind: 'existing',
  });
  await plain.users.connect(user);
  await expect(plain.steps.result(step)).resolves.toMatchObject({ status: 'success' });

  expect(await plain.steps.get(user, step.stepId)).toMatchObject({ status: 'success' });
  await expect
    .poll(() => plain.steps.list(user, { limit: 10 }))
    .toMatchObject({ steps: [{ stepId: step.stepId, status: 'success' }] });
});

function requestOf(world: World, userId: string, step: Partial<McpStepInput> = {}) {
  const { mcpServerId } = world;
  return { userId, mcpServerId, tool: 'create_invoice', arguments: INVOICE, stepId: randomUUID(), ...step };
}
