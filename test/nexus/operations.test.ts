import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { asyncLocalStorage } from '@temporalio/nexus/lib/context.js';
import { HandlerError, type OperationHandler } from 'nexus-rpc';
import { describe, expect } from 'vitest';
import { nexusRefusalIn } from '../../src/contracts/nexus-refusal.ts';
import { isStepId, stepIdIn } from '../../src/contracts/step-workflow-id.ts';
import { createNexusServices } from '../../src/nexus/create-nexus-services.ts';
import { testInWorld } from '../support/fixtures.ts';
import { INVOICE, type World } from '../support/world.ts';

const test = testInWorld();

/** Runs a handler as the SDK's worker does. There is no caller: nothing is called back. */
async function start(world: World, operation: string, input: unknown, requestId: string = randomUUID()) {
  const context = { ...contextOf(operation), requestId, inboundLinks: [], outboundLinks: [] };
  return inHandler(world, operation, (handler) => handler.start(context, input));
}

async function cancel(world: World, operation: string, token: string) {
  return inHandler(world, operation, (handler) => handler.cancel(contextOf(operation), token));
}

function contextOf(operation: string) {
  return { service: 'latchkey', operation, headers: {}, abortSignal: new AbortController().signal };
}

function inHandler<T>(
  world: World,
  operation: string,
  run: (handler: OperationHandler<unknown, unknown>) => Promise<T>,
): Promise<T> {
  const { services, temporal, config } = world;
  const { client, namespace } = temporal;
  const [service] = createNexusServices({ ...services, taskQueue: config.taskQueue });
  const handler = service?.getOperationHandler(operation);
  if (handler === undefined) throw new Error(`no operation ${operation}`);
  // The casts: handlers of this project use neither the logger nor the metrics.
  const own = {
    client,
    namespace,
    taskQueue: config.taskQueue,
    endpoint: '',
    log: {} as never,
    metrics: {} as never,
  };
  return asyncLocalStorage.run(own, () => run(handler));
}

async function refusalOf(started: Promise<unknown>) {
  const error = await started.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(HandlerError);
  const { type, retryable, stack } = error as HandlerError;
  expect({ type, retryable, stack }).toEqual({ type: 'BAD_REQUEST', retryable: false, stack: '' });
  return nexusRefusalIn(error);
}

const tokenOf = (workflowId: string) =>
  Buffer.from(JSON.stringify({ t: 1, ns: 'x', wid: workflowId })).toString('base64url');

const inputOf = (world: World, userId: string) => ({
  userId,
  mcpServerId: world.mcpServerId,
  tool: 'create_invoice',
  arguments: INVOICE,
});

describe('a repeated Nexus request', () => {
  test('starts one step, whose id is made of the request’s', async ({ world }) => {
    const user = world.users.newUser();
    const requestId = randomUUID();

    const first = await start(world, 'runStep', inputOf(world, user), requestId);
    const second = await start(world, 'runStep', inputOf(world, user), requestId);

    expect(first).toMatchObject({ isAsync: true, token: expect.any(String) });
    expect(second).toEqual(first);
    await world.steps.until(user, requestId, 'awaiting-input');
    await world.users.connect(user);
    await world.steps.until(user, requestId, 'success');
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    expect(await start(world, 'runStep', inputOf(world, user), requestId)).toEqual(first);
  });

  test('with an id that no step can have starts one step too', async ({ world }) => {
    const user = world.users.newUser();
    const first = await start(world, 'runStep', inputOf(world, user), 'a request/1');

    expect(await start(world, 'runStep', inputOf(world, user), 'a request/1')).toEqual(first);
    const { wid } = JSON.parse(Buffer.from((first as { token: string }).token, 'base64url').toString());
    expect(isStepId(stepIdIn(wid))).toBe(true);
  });

  test('starts one listing', async ({ world }) => {
    const input = { userId: world.users.newUser(), servers: [{ mcpServerId: world.mcpServerId }] };
    const requestId = randomUUID();
    const first = await start(world, 'listTools', input, requestId);
    expect(await start(world, 'listTools', input, requestId)).toEqual(first);
  });
});

test('a step that has ended gives its result at once, and an id of another request is refused', async ({
  world,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const { stepId } = await world.steps.start(user);
  await world.steps.until(user, stepId, 'success');
  const input = { ...inputOf(world, user), stepId };

  const same = await start(world, 'runStep', { ...input, account: 'default', timeouts: null });
  expect(same).toMatchObject({ isAsync: false, value: { status: 'success' } });
  expect(await refusalOf(start(world, 'runStep', { ...input, tool: 'send_message' }))).toEqual({
    code: 'step-conflict',
    message: 'This stepId belongs to a step with another request.',
  });
});

test('the id of a listing is used once', async ({ world }) => {
  const servers = [{ mcpServerId: world.mcpServerId }];
  const input = { userId: world.users.newUser(), servers, listId: 'once', waitUntilConnected: true };
  await start(world, 'listTools', input);

  expect(await refusalOf(start(world, 'listTools', input))).toEqual({
    code: 'step-conflict',
    message: 'This listId belongs to a step or another listing.',
  });
  expect(
    await refusalOf(start(world, 'runStep', { ...inputOf(world, input.userId), stepId: 'once' })),
  ).toMatchObject({
    code: 'step-conflict',
  });
});

test('a bad input is refused with the code and the words of the HTTP API', async ({ world, api }) => {
  const user = world.users.newUser();
  const { userId, ...request } = inputOf(world, user);
  for (const wrong of [
    { tool: 7 },
    { mode: 'never', expires: 1 },
    { timeouts: { call: '2h', lunch: '1h' } },
    { stepId: 'a b', title: '', account: 'x'.repeat(256) },
    { arguments: [] },
    { arguments: nested(120) },
    { mcpServerId: undefined, a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 },
  ]) {
    const { body } = await api.ask(user, 'POST /steps', { ...request, ...wrong });
    const { code, detail } = body as { code: string; detail: string };
    const message = detail.replace('The body', 'The input');
    expect(await refusalOf(start(world, 'runStep', { ...request, ...wrong, userId }))).toEqual({
      code,
      message,
    });
  }
});

test.for([
  ['runStep', undefined, 'The input must be an object.'],
  ['runStep', ['a'], 'The input must be an object.'],
  ['runStep', {}, 'mcpServerId is required; tool is required; userId is required.'],
  ['listTools', null, 'The input must be an object.'],
  ['listTools', {}, 'userId is required; servers is required.'],
  ['listTools', { userId: 'ada', servers: [] }, 'servers must not be empty.'],
  [
    'listTools',
    { userId: 'ada', servers: [{ mcpServerId: 'x' }, { mcpServerId: 'x', account: 'default' }] },
    'servers.1 is named twice.',
  ],
  [
    'listTools',
    { userId: 'ada', servers: [{ server: 'x' }], timeouts: { reauth: '2 years' } },
    'servers.0.mcpServerId is required; servers.0.server is not a known field; timeouts.reauth must be at most 365 days.',
  ],
  [
    'runStep',
    {
      userId: 'ada',
      mcpServerId: 'x',
      tool: 'echo',
      title: null,
      expires: null,
      timeouts: { call: null, lunch: null },
    },
    'timeouts.lunch is not a known field; expires is not a known field.',
  ],
  [
    'listTools',
    { userId: 'ada', servers: [{ mcpServerId: 'x', account: null, tool: null }], detail: null, list: null },
    'servers.0.tool is not a known field; list is not a known field.',
  ],
] as const)('%s refuses %j', async ([operation, input, message], { world }) => {
  expect(await refusalOf(start(world, operation, input))).toEqual({ code: 'invalid-request', message });
});

test('a number that JavaScript may have rounded is refused', async ({ world }) => {
  const input = { ...inputOf(world, 'ada'), arguments: { id: 2 ** 60 } };
  expect(await refusalOf(start(world, 'runStep', input))).toMatchObject({
    code: 'number-not-exact',
    message: expect.stringMatching(/^The input has numbers that can't be kept exactly: arguments\.id is /),
  });
});

describe('the cancellation of an operation', () => {
  test('cancels its step, and once that has ended does nothing', async ({ world }) => {
    const user = world.users.newUser();
    const stepId = randomUUID();
    const started = await start(world, 'runStep', { ...inputOf(world, user), stepId });
    const { token } = started as { token: string };

    await cancel(world, 'runStep', token);
    await world.steps.until(user, stepId, 'cancelled');
    await cancel(world, 'runStep', token);
  });

  test('does nothing if Temporal has forgotten its step', async ({ world }) => {
    await cancel(world, 'runStep', tokenOf('step/ada/forgotten'));
  });

  test.for([
    ['runStep', tokenOf('orders/1')],
    ['listTools', tokenOf('orders/1')],
    ['runStep', 'no token'],
    ['runStep', ''],
  ] as const)(
    'of %s refuses the token %s of a workflow that it never started',
    async ([operation, token], { world }) => {
      const message = 'The operation token is not valid.';
      expect(await refusalOf(cancel(world, operation, token))).toEqual({ code: 'invalid-request', message });
    },
  );
});

test('what fails unexpectedly is told without its cause', async ({ world }) => {
  const { services, temporal } = world;
  const broken = {
    ...world,
    temporal: { ...temporal, client: brokenClient() },
    services: { ...services, client: brokenClient() },
  };

  const error = await start(broken as World, 'runStep', inputOf(world, 'ada')).catch(
    (error: unknown) => error,
  );

  expect(error).toMatchObject({
    type: 'INTERNAL',
    retryable: true,
    message: 'Something went wrong on our side.',
  });
  expect((error as HandlerError).cause).toBeInstanceOf(ApplicationFailure);
  expect(JSON.stringify(error)).not.toContain('hunter2');
});

// What can't be made to happen: an error of the SDK that has not been seen.
function brokenClient(): never {
  const fail = () => Promise.reject(new Error('hunter2'));
  return { withDeadline: fail, workflow: { start: fail } } as never;
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}
