import { afterAll, describe, expect, onTestFinished } from 'vitest';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { testInWorld } from '../support/fixtures.ts';
import { startTestWorker, type TestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';

// How many connections are kept, and for how long: test/mcp/connection-pool.test.ts.

const LIST = { tool: 'list_invoices', arguments: {} };

const test = testInWorld({ withoutWorker: true });
let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  const config = { ...world.config, maxCallsPerUser: 100, maxCallsPerServer: 100 };
  worker = await startTestWorker(config, world.temporal, world.services);
});

afterAll(async () => {
  await worker.stop();
});

describe('the steps of one user on one server', () => {
  test('share one session, in which 100 of them call at once if the operator allows it', async ({
    world,
  }) => {
    const user = await connectedUser(world);
    const all = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user, times: 100 });
    // Held calls would keep every place of the worker for the tests after a failure.
    onTestFinished(() => all.release());
    const steps = await Promise.all(Array.from({ length: 100 }, () => world.steps.start(user, LIST)));

    // None of them has an answer before the last has been called.
    await all.reached(100);
    all.release();

    const results = await Promise.all(steps.map(world.steps.result));
    expect(results.filter(({ status }) => status === 'success')).toHaveLength(100);
    expect(sessionsOf(world, user)).toBe(1);
    expect(world.mcpServer.calls({ user })).toHaveLength(100);
  });

  test('keep their session with a renewed token', async ({ world }) => {
    const user = await connectedUser(world);
    await call(world, user);
    world.authorizationServer.control.expireAccessTokens(user);

    expect(await call(world, user)).toMatchObject({ status: 'success' });

    expect(sessionsOf(world, user)).toBe(1);
  });

  test('use a new credential from the next call on in a new session', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register({ auth: { type: 'oauth2' } });
    const user = world.users.newUser();
    for (const accessToken of ['first', 'second']) {
      await world.users.deposit(user, depositOf(world, mcpServerId, accessToken));
      await world.steps.result(await world.steps.start(user, { mcpServerId, tool: 'echo' }));
    }

    const seen = server.seen.filter(({ what }) => what === 'initialize' || what === 'tools/call');

    expect(seen.map(({ what, headers }) => [what, headers.authorization])).toEqual([
      ['initialize', 'Bearer first'],
      ['tools/call', 'Bearer first'],
      ['initialize', 'Bearer second'],
      ['tools/call', 'Bearer second'],
    ]);
    const [first, second] = seen.filter(({ what }) => what === 'tools/call').map(({ headers }) => headers);
    expect(first?.['mcp-session-id']).not.toBe(second?.['mcp-session-id']);
  });

  test('get a new session when the server is registered again', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    const user = world.users.newUser();
    const callEcho = async () =>
      world.steps.result(await world.steps.start(user, { mcpServerId, tool: 'echo' }));
    await callEcho();
    await callEcho();
    expect(server.count('initialize')).toBe(1);

    const headers = { 'x-tenant': 'acme' };
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, headers });
    await callEcho();

    expect(server.count('initialize')).toBe(2);
    expect(server.seen.findLast(({ what }) => what === 'tools/call')?.headers['x-tenant']).toBe('acme');
  });
});

test('users never share a session', async ({ world }) => {
  const users = await Promise.all(Array.from({ length: 5 }, () => connectedUser(world)));

  for (const result of await Promise.all(users.flatMap((user) => [call(world, user), call(world, user)]))) {
    // The server refuses whoever comes in another user's session.
    expect(result).toMatchObject({ status: 'success' });
  }

  expect(users.map((user) => sessionsOf(world, user))).toEqual([1, 1, 1, 1, 1]);
  expect(users.map((user) => world.mcpServer.calls({ user }).length)).toEqual([2, 2, 2, 2, 2]);
});

test('accounts of one user never share a session', async ({ world, scripted }) => {
  const { server, mcpServerId } = await scripted.register({ auth: { type: 'oauth2' } });
  const user = world.users.newUser();
  // Both have version 1, so that nothing but the account tells their sessions apart.
  for (const account of ['default', 'work']) {
    await world.users.deposit(user, { ...depositOf(world, mcpServerId, account), account });
  }
  for (const account of ['default', 'work', 'default', 'work']) {
    await world.steps.result(await world.steps.start(user, { mcpServerId, account, tool: 'echo' }));
  }

  const calls = server.seen.filter(({ what }) => what === 'tools/call').map(({ headers }) => headers);

  expect(server.count('initialize')).toBe(2);
  const [one, other, oneAgain, otherAgain] = calls.map((headers) => headers['mcp-session-id']);
  expect([oneAgain, otherAgain]).toEqual([one, other]);
  expect(one).not.toBe(other);
  expect(calls.map(({ authorization }) => authorization)).toEqual([
    ...['Bearer default', 'Bearer work', 'Bearer default', 'Bearer work'],
  ]);
});

test('users of a server without credentials never share a session', async ({ world, scripted }) => {
  const { server, mcpServerId } = await scripted.register();
  for (const user of [world.users.newUser(), world.users.newUser()]) {
    await world.steps.result(await world.steps.start(user, { mcpServerId, tool: 'echo' }));
  }

  const sessions = server.seen.filter(({ what }) => what === 'tools/call').map(({ headers }) => headers);

  expect(new Set(sessions.map((headers) => headers['mcp-session-id'])).size).toBe(2);
});

async function connectedUser(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

async function call(world: World, user: string) {
  return world.steps.result(await world.steps.start(user, LIST));
}

function sessionsOf(world: World, user: string): number {
  return world.mcpServer.requests({ user, rpcMethod: 'initialize', status: 200 }).length;
}

function depositOf(world: World, mcpServerId: string, accessToken: string): Deposit {
  const { tokenEndpoint } = world.authorizationServer;
  const refreshToken = `refresh-${accessToken}`;
  return { mcpServerId, refreshToken, tokenEndpoint, clientId: 'anybody', accessToken, expiresIn: 3_600 };
}
