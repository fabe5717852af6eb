import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { McpStepInput } from '../../src/contracts/step.ts';
import { MEMO_KEY, stepMemo } from '../../src/contracts/step-memo.ts';
import { stepWorkflowId, stepWorkflowIds } from '../../src/contracts/step-workflow-id.ts';
import { executionsOfUser } from '../../src/operations/executions-of-user.ts';
import { startedAs } from '../../src/steps/step-identity.ts';
import type { TestWorker } from '../support/test-worker.ts';
import { createWorld, INVOICE, type World } from '../support/world.ts';

let world: World;
let worker: TestWorker;

beforeAll(async () => {
  world = await createWorld({ withoutWorker: true });
  worker = await world.startWorker();
});

afterAll(() => world.stop());

describe('a step that a bare Temporal client has started', () => {
  test.each([
    ['plain', (id: string) => id],
    ['with a quote and a slash', (id: string) => `o'brien/${id}`],
    ['longer than 100 bytes', (id: string) => `${'ü'.repeat(60)}${id}`],
  ])('of a user id that is %s is listed and reached by the step id in its workflow id', async (_, named) => {
    const user = named(world.users.newUser());
    const stepId = 'pyw1';
    await startBare(stepWorkflowId(user, stepId), { userId: user });

    expect(await world.steps.until(user, stepId, 'awaiting-input')).toMatchObject({
      stepId,
      connectUrl: `https://latchkey.example/connect/${world.mcpServerId}?step=${stepId}`,
    });
    await expectListed(user, [{ stepId, tool: 'create_invoice', mcpServerId: world.mcpServerId }]);
    expect(await world.steps.waiting(user)).toStrictEqual([stepId]);
    await world.users.connect(user);
    expect(await world.steps.until(user, stepId, 'success')).toMatchObject({ stepId });
    await expectListed(user, [{ stepId, status: 'success', tool: 'create_invoice' }]);
  });

  test('under an id that no route takes is not listed', async () => {
    const user = world.users.newUser();
    for (const end of ['a/b', 'a%20b', '%61', 'a/']) await startBare(`step/${user}/${end}`, { userId: user });
    await startBare(stepWorkflowId(user, 'last'), { userId: user });

    await expectListed(user, [{ stepId: 'last' }]);
  });
});

describe("a step under another user's id", () => {
  test('is not forgotten with that user, though it carries no memo and no attribute', async () => {
    const [dev, ada] = [world.users.newUser(), world.users.newUser()];
    const { client } = world.temporal;
    const start = (stepId: string, userId: string) =>
      client.workflow.start('mcpStep', {
        workflowId: stepWorkflowId(dev, stepId),
        taskQueue: 'nobody-serves-this',
        args: [requestOf(userId)],
      });
    const handles = [await start('of-ada', ada), await start('own', dev)];
    await expect
      .poll(async () => (await executionsOfUser(client, dev, 'open')).map(({ workflowId }) => workflowId), {
        timeout: 30_000,
      })
      .toEqual([stepWorkflowId(dev, 'own')]);
    for (const handle of handles) await handle.terminate();
  });

  test.each([
    ['plain', (user: string) => `step/${user}/x`],
    [
      'with needless encoding',
      (user: string) => `step/%${user.charCodeAt(0).toString(16)}${user.slice(1)}/x`,
    ],
  ])('(%s) ends as invalid-arguments, and neither of the two is shown it', async (_, idFor) => {
    const [dev, ada] = [world.users.newUser(), world.users.newUser()];
    await world.users.connect(ada);
    const result = await startBare(idFor(dev), { userId: ada }).then((handle) => handle.result());

    expect(result).toMatchObject({ status: 'error', error: { code: 'invalid-arguments' } });
    expect(world.mcpServer.calls({ user: ada })).toEqual([]);
    await expectUnseen(dev);
    await expectUnseen(ada);
  });

  test('is not shown before a worker has checked it', async () => {
    const [dev, ada] = [world.users.newUser(), world.users.newUser()];
    await worker.stop();
    try {
      await startBare(`step/${dev}/x`, { userId: ada });
      await expectUnseen(dev);
    } finally {
      worker = await world.startWorker();
    }
  });

  test('is shown to its owner under the step id of its workflow id, with what is wrong', async () => {
    const user = world.users.newUser();
    await startBare(`step/${user}/x`, { userId: user, stepId: 'y' }).then((handle) => handle.result());

    expect(await world.steps.get(user, 'x')).toMatchObject({
      stepId: 'x',
      error: { code: 'invalid-arguments', message: expect.stringContaining('stepId') },
    });
    expect(await world.steps.get(user, 'y')).toBeUndefined();
    await expectListed(user, [{ stepId: 'x', status: 'error' }]);
  });
});

describe('a step whose hashed id has the former form', () => {
  test.each([
    ['user', () => `${'ü'.repeat(60)}${randomUUID()}`, () => 's'],
    ['step', () => world.users.newUser(), () => `${'x'.repeat(90)}${randomUUID()}`],
  ])('(of a long %s id) is shown, listed, started once, and cancelled', async (_, newUser, newStep) => {
    const [user, stepId] = [newUser(), newStep()];
    const input = { ...requestOf(user), stepId };
    const former = stepWorkflowIds(user, stepId)[1] ?? '';
    expect(former).not.toBe(stepWorkflowId(user, stepId));
    await startBare(former, input, { [MEMO_KEY]: stepMemo(input) });

    expect(await world.steps.until(user, stepId, 'awaiting-input')).toMatchObject({ workflowId: former });
    await expectListed(user, [{ stepId, workflowId: former }]);
    expect(await world.steps.tryStart(input)).toMatchObject({
      kind: 'existing',
      step: { workflowId: former },
    });
    expect(await world.steps.tryStart({ ...input, tool: 'another' })).toEqual({ kind: 'conflict' });
    expect(await world.steps.approve(user, stepId)).toMatchObject({ kind: 'not-waiting' });
    expect(
      (await executionsOfUser(world.temporal.client, user, 'open')).map((one) => one.workflowId),
    ).toContain(former);
    expect(await world.steps.cancel(user, stepId)).toBe(true);
    await world.steps.until(user, stepId, 'cancelled');
  });

  test('is not seen by the user whose id is that hash', async () => {
    const user = `${'ü'.repeat(60)}${randomUUID()}`;
    const former = stepWorkflowIds(user, 's')[1] ?? '';
    const impostor = former.split('/')[1] ?? '';
    await startBare(former, requestOf(user));
    await world.steps.until(user, 's', 'awaiting-input');
    await expectListed(user, [{ stepId: 's' }]);

    expect(await world.steps.get(impostor, 's')).toBeUndefined();
    expect((await world.steps.list(impostor, { limit: 10 })).steps).toEqual([]);
    expect(await world.steps.cancel(impostor, 's')).toBe(false);
  });
});

test('a step whose history is gone while it is still listed does not hide other steps', async () => {
  const user = world.users.newUser();
  const { client } = world.temporal;
  const gone = { workflowId: stepWorkflowId(user, 'gone'), runId: randomUUID() };
  expect(await startedAs(client, gone)).toEqual({});
});

describe('one request', () => {
  const DEFAULTS = { arguments: {}, mode: 'fully-automated', sideEffects: 'auto', timeouts: {} } as const;

  test.each([
    ['arguments left out, then empty', {}, { arguments: {} }],
    ['empty arguments, then left out', { arguments: {} }, {}],
    ['every default left out, then written', {}, DEFAULTS],
    ['every default written, then left out', DEFAULTS, {}],
  ])('is %s', async (_, first, second) => {
    const user = world.users.newUser();
    const { arguments: _arguments, ...request } = { ...requestOf(user), stepId: randomUUID() };

    expect(await world.steps.tryStart({ ...request, ...first })).toMatchObject({ kind: 'started' });
    expect(await world.steps.tryStart({ ...request, ...second })).toMatchObject({ kind: 'existing' });
    expect(await world.steps.tryStart({ ...request, ...second, arguments: { a: 1 } })).toEqual({
      kind: 'conflict',
    });
  });

  // As versions before wrote it: over all that stood in the request.
  test.each([
    ['with empty arguments', { arguments: {} }],
    ['without arguments', {}],
  ])('is also the same as one of a version before, %s', async (_, written) => {
    const user = world.users.newUser();
    const { arguments: _arguments, ...request } = { ...requestOf(user), stepId: randomUUID() };
    const memo = { ...stepMemo(request), requestHash: hashOfBefore({ ...request, ...written }) };
    await startBare(stepWorkflowId(user, request.stepId), request, { [MEMO_KEY]: memo });

    expect(await world.steps.tryStart(request)).toMatchObject({ kind: 'existing' });
    expect(await world.steps.tryStart({ ...request, arguments: {} })).toMatchObject({ kind: 'existing' });
    expect(await world.steps.tryStart({ ...request, arguments: { a: 1 } })).toEqual({ kind: 'conflict' });
  });
});

test('createdAt is the same at the start, when shown, listed, decided, asked for again and without a worker', async () => {
  const user = world.users.newUser();
  const request = { ...requestOf(user), stepId: 's', mode: 'automated-with-confirmation' as const };
  const started = await world.steps.tryStart(request);
  const createdAt = started.kind === 'started' ? started.step.createdAt : '';
  const paused = await world.steps.until(user, 's', 'awaiting-input');
  await expectListed(user, [{ stepId: 's', createdAt }]);
  const again = await world.steps.tryStart(request);
  const rejected = await world.steps.reject(user, 's');
  await worker.stop();
  try {
    const times = [paused, await world.steps.get(user, 's')].map((step) => step?.createdAt);
    expect(times).toStrictEqual([createdAt, createdAt]);
  } finally {
    worker = await world.startWorker();
  }
  expect(again).toMatchObject({ kind: 'existing', step: { createdAt } });
  expect(rejected).toMatchObject({ kind: 'applied', step: { createdAt } });
});

describe('a step that is being cancelled says so', () => {
  test('while its call is under way', async () => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const hold = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });
    const { stepId } = await world.steps.start(user);
    await hold.reached();

    await world.steps.cancel(user, stepId);

    const events = (await world.steps.reported(user, stepId)).timeline.map(({ event }) => event);
    expect(events).toContain('cancelling');
    const { timeline } = await world.steps.until(user, stepId, 'cancelled');
    expect(timeline.map(({ event }) => event)).toStrictEqual(['started', 'cancelling', 'cancelled']);
    hold.release();
  });

  test('where no worker runs', async () => {
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');
    await worker.stop();
    try {
      const asked = Date.now();
      await world.steps.cancel(user, stepId);
      const step = await world.steps.get(user, stepId);
      expect(step).toMatchObject({
        status: 'awaiting-input',
        timeline: [{ event: 'started' }, { event: 'awaiting-input' }, { event: 'cancelling' }],
      });
      expect(Date.parse(step?.timeline.at(-1)?.at ?? '')).toBeGreaterThanOrEqual(asked - 1_000);
      expect(await world.steps.get(user, stepId)).toStrictEqual(step);
    } finally {
      worker = await world.startWorker();
    }
    await world.steps.until(user, stepId, 'cancelled');
  });
});

function requestOf(userId: string): McpStepInput {
  return { userId, mcpServerId: world.mcpServerId, tool: 'create_invoice', arguments: INVOICE };
}

function startBare(workflowId: string, input: object, memo?: Record<string, unknown>) {
  const { taskQueue } = world.config;
  const args = [{ ...requestOf('nobody'), ...input }];
  return world.temporal.client.workflow.start('mcpStep', {
    workflowId,
    taskQueue,
    args,
    ...(memo && { memo }),
  });
}

async function expectListed(user: string, steps: object[]): Promise<void> {
  await expect
    .poll(async () => (await world.steps.list(user, { limit: 10 })).steps, { timeout: 30_000 })
    .toMatchObject(steps);
}

// What it is compared with is listed by then, so visibility has caught up.
async function expectUnseen(user: string): Promise<void> {
  await startBare(stepWorkflowId(user, 'later'), { userId: user });
  await expectListed(user, [{ stepId: 'later' }]);
  expect(await world.steps.get(user, 'x')).toBeUndefined();
  expect(await world.steps.cancel(user, 'x')).toBe(false);
}

function hashOfBefore(request: object): string {
  const sorted = (value: unknown): unknown =>
    typeof value !== 'object' || value === null
      ? value
      : Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, field]) => [name, sorted(field)]);
  return createHash('sha256')
    .update(JSON.stringify(sorted(request)))
    .digest('base64url');
}
