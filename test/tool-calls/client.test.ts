import { describe, expect } from 'vitest';
import { createLatchkey, LatchkeyApiError, NumberNotExact } from '../../src/client.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { INVOICE, type World } from '../support/world.ts';

const test = testInWorld();

function latchkeyOf(world: World, api: TestApi, user: string) {
  const { client } = world.temporal;
  const { taskQueue } = world.config;
  return createLatchkey({ client, taskQueue, api: { url: `${api.url}/`, token: () => api.tokenOf(user) } });
}

async function connectedUser(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

describe('the client', () => {
  test('starts, approves and finds a step, and says who decided', async ({ world, api }) => {
    const user = await connectedUser(world);
    const latchkey = latchkeyOf(world, api, user);
    const started = await latchkey.start({
      userId: user,
      mcpServerId: world.mcpServerId,
      tool: 'create_invoice',
      arguments: INVOICE,
      mode: 'automated-with-confirmation',
    });
    if (started.kind === 'conflict') throw new Error('a fresh id is taken');
    const { stepId } = started.step;
    await world.steps.until(user, stepId, 'awaiting-input');

    expect(await latchkey.resolve(user, stepId, { action: 'retry' })).toMatchObject({ kind: 'not-waiting' });
    expect(await latchkey.approve('somebody-else', stepId)).toEqual({ kind: 'not-found' });
    expect(await latchkey.approve(user, stepId, { arguments: { ...INVOICE, amount: -1 } })).toMatchObject({
      kind: 'invalid',
    });
    expect(await latchkey.approve(user, stepId, {}, 'ann')).toMatchObject({ kind: 'applied' });

    expect(await latchkey.result(user, stepId)).toMatchObject({ status: 'success' });
    const timeline = (await latchkey.find(user, stepId))?.timeline ?? [];
    expect(timeline).toContainEqual(expect.objectContaining({ event: 'approved', by: 'ann' }));
  });

  test.for([
    [
      'an integer that was rounded',
      { lines: [{ id: Number('918273645546372817') }] },
      'arguments.lines.0.id',
    ],
    ['an integer that may have been', { id: 2 ** 53 }, 'arguments.id'],
    ['NaN', { amount: NaN }, 'arguments.amount'],
    ['an infinity', { amount: -Infinity }, 'arguments.amount'],
    ['a bigint', { id: 1n }, 'arguments.id'],
  ] as const)(
    'starts nothing with a number that JSON can only change: %s',
    async ([_, args, path], { world, api }) => {
      const user = world.users.newUser();
      const input = { userId: user, mcpServerId: world.mcpServerId, tool: 'create_invoice', stepId: 'one' };
      const starting = latchkeyOf(world, api, user).start({ ...input, arguments: args });

      await expect(starting).rejects.toBeInstanceOf(NumberNotExact);
      await expect(starting).rejects.toMatchObject({
        code: 'number-not-exact',
        message: expect.stringContaining(path),
        errors: [{ path, message: expect.any(String) }],
      });
      expect(await latchkeyOf(world, api, user).find(user, 'one')).toBeUndefined();
    },
  );

  test('sends no decision with a number that JSON can only change, and the step still waits', async ({
    world,
    api,
  }) => {
    const user = await connectedUser(world);
    const latchkey = latchkeyOf(world, api, user);
    const { stepId } = await world.steps.start(user, { mode: 'automated-with-confirmation' });
    await world.steps.until(user, stepId, 'awaiting-input');

    for (const [amount, message] of [
      [NaN, 'arguments.amount is NaN'],
      [Number('918273645546372817'), 'arguments.amount is an integer'],
    ] as const) {
      expect(await latchkey.approve(user, stepId, { arguments: { ...INVOICE, amount } })).toEqual({
        kind: 'invalid',
        message: expect.stringContaining(message),
      });
    }
    const result = { structuredContent: { n: NaN } };
    expect(await latchkey.resolve(user, stepId, { action: 'succeed', result })).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('result.structuredContent.n'),
    });
    expect(await latchkey.find(user, stepId)).toMatchObject({ status: 'awaiting-input' });
  });

  test('lists the tools of the named servers, of all or of none', async ({ world, api }) => {
    const latchkey = latchkeyOf(world, api, await connectedUser(world));
    const listed = { mcpServerId: 'ledger', tools: expect.any(Array) };
    expect(await latchkey.listTools()).toEqual([listed]);
    expect(await latchkey.listTools(['ledger', 'a&b=c'])).toEqual([
      listed,
      { mcpServerId: 'a&b=c', failure: { kind: 'unknown', code: 'unknown-server' } },
    ]);
    expect(await latchkey.listTools([])).toEqual([]);
  });

  test('fetches a large result in full although the workflow returns a reference', async ({ world, api }) => {
    const user = await connectedUser(world);
    const latchkey = latchkeyOf(world, api, user);
    const step = await world.steps.start(user, { tool: 'large_report', arguments: { bytes: 200_000 } });

    expect(await latchkey.result(user, step.stepId)).toMatchObject({
      result: { content: [], stored: { bytes: expect.any(Number) } },
    });
    expect(await latchkey.fullResult(step.stepId)).toEqual({
      content: [{ type: 'text', text: 'x'.repeat(200_000) }],
    });
  });

  test('throws an error with the problem code, or says that the API is unreachable', async ({
    world,
    api,
  }) => {
    const { client } = world.temporal;
    const withApi = (url: string, token: string) => createLatchkey({ client, api: { url, token } });

    const unknown = latchkeyOf(world, api, world.users.newUser()).fullResult('never-started');
    await expect(unknown).rejects.toBeInstanceOf(LatchkeyApiError);
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'unknown-step' });
    await expect(withApi(api.url, 'x').listTools()).rejects.toMatchObject({
      status: 401,
      code: 'unauthenticated',
    });
    await expect(withApi(`http://127.0.0.1:${await freePort()}`, 'x').listTools()).rejects.toMatchObject({
      status: undefined,
      code: 'unreachable',
    });
    const elsewhere = new URL('/', world.mcpServer.url).href;
    await expect(withApi(elsewhere, 'x').listTools()).rejects.toMatchObject({ code: 'unexpected-answer' });
    await expect(createLatchkey({ client }).listTools()).rejects.toThrow('`api`');
  });
});
