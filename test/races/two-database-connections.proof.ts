import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { TokenEndpointAction } from '../../src/dev/embedded/authorization-server-token-endpoint.ts';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { startWorkerProcess, type WorkerProcess } from '../integration/processes/start-worker-process.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createWorld, REPEATED_IF_LOST, type World } from '../support/world.ts';

const DATABASE_POOL_SIZE = 2;
const USERS = 40;
const OTHER_SERVER = 'other-ledger';

const test = testInWorld({ withoutWorker: true });
let worker: WorkerProcess;
let api: TestApi;

test.beforeAll(async ({ world }) => {
  await world.register(OTHER_SERVER, { url: world.mcpServer.url, auth: { type: 'oauth2' } });
  api = await startTestApi({ ...world, config: { ...world.config, databasePoolSize: DATABASE_POOL_SIZE } });
  worker = await startWorkerProcess({
    ...world.environment(),
    DATABASE_POOL_SIZE: String(DATABASE_POOL_SIZE),
  });
});

afterAll(async () => {
  await worker.kill();
});

// Answers that do not come: whatever gets through meanwhile has not waited for them.
describe(`while ${USERS} users' refreshes wait for their answers, with ${DATABASE_POOL_SIZE} database connections`, () => {
  let users: string[];
  let steps: StepView[];
  let letGo: () => void;

  test.beforeAll(async ({ world }) => {
    users = await createStaleUsers(world);
    const held = users.map((user) => intercept(world, user, { do: 'hold-before-processing' }));
    letGo = () => held.forEach((one) => void one.release());
    steps = await startSteps(world, users);
    await Promise.all(held.map((one) => one.reached()));
  });

  test('the steps of other users continue, also those that need a refresh', async ({ world }) => {
    const [fresh, stale] = [world.users.newUser(), await createStaleUser(world)];
    await world.users.connect(fresh);

    await expectSuccess(world, await startSteps(world, [fresh, stale]));

    expect(grants(world, stale)).toEqual({ succeeded: 1, failed: 0 });
    expect(users.map((accountId) => grants(world, accountId))).toEqual(
      Array(USERS).fill({ succeeded: 0, failed: 0 }),
    );
  });

  test('a step of one of the users continues at another server', async ({ world }) => {
    const [user = ''] = users;
    await deposit(world, user, OTHER_SERVER);

    await expectSuccess(world, [await world.steps.start(user, { mcpServerId: OTHER_SERVER })]);

    // Of the other server's credential.
    expect(grants(world, user)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('the HTTP API takes deposits and lists connections of all users', async ({ world }) => {
    const [, user = ''] = users;
    const other = world.users.newUser();
    const stored = await api.ask(other, 'POST /mcp-oauth-credentials', await world.users.consent(other));
    const lists = await Promise.all([other, user].map((one) => api.ask(one, 'GET /mcp-oauth-credentials')));

    expect(stored).toMatchObject({ status: 200, body: { stored: true } });
    const connected = { status: 200, body: { connections: [{ status: 'connected', version: 1 }] } };
    expect(lists).toMatchObject([connected, connected]);
    expect(grants(world, user)).toEqual({ succeeded: 0, failed: 0 });
  });

  test('the steps of all users continue with one refresh each when the answers come', async ({ world }) => {
    letGo();

    await expectSuccess(world, steps);

    const [, ...others] = users;
    expect(others.map((accountId) => grants(world, accountId))).toEqual(
      Array(USERS - 1).fill({ succeeded: 1, failed: 0 }),
    );
  });
});

test(`${USERS} users with three steps each get through a token endpoint that takes 3 s, by one refresh each`, async ({
  world,
}) => {
  const users = await createStaleUsers(world);
  for (const user of users) intercept(world, user, { do: 'delay', ms: 3_000 });

  await expectSuccess(world, await startSteps(world, [...users, ...users, ...users]));

  expect(users.map((accountId) => grants(world, accountId))).toEqual(
    Array(USERS).fill({ succeeded: 1, failed: 0 }),
  );
  for (const user of users) expect(world.mcpServer.calls({ user })).toHaveLength(3);
});

test('refreshes that keep their connections while they wait stop all other work (negative control)', {
  timeout: 120_000,
}, async ({ onTestFinished }) => {
  const other = await createWorld({ withoutWorker: true });
  onTestFinished(() => other.stop());
  const users = await createStaleUsers(other);
  const held = users.map((user) => intercept(other, user, { do: 'hold-before-processing' }));
  const environment = { ...other.environment(), DATABASE_POOL_SIZE: String(DATABASE_POOL_SIZE) };
  const faults = Object.fromEntries(users.map((user) => [user, { keepsConnection: true }]));
  const faulty = await startFaultyWorker(environment, faults);
  onTestFinished(() => faulty.kill());
  await other.startWorker({ withoutActivities: true });
  await startSteps(other, users);
  const hits = () => held.reduce((sum, one) => sum + one.hits(), 0);
  await vi.waitFor(() => expect(hits()).toBe(DATABASE_POOL_SIZE), { timeout: 30_000 });
  const bystander = other.users.newUser();
  await other.users.connect(bystander);

  const result = other.steps.result(await other.steps.start(bystander));

  // Without the fault this takes a fraction of a second.
  expect(await Promise.race([result, delay(5_000, 'stopped')])).toBe('stopped');
  expect(hits()).toBe(DATABASE_POOL_SIZE);
  for (const one of held) one.release();
  expect(await result).toMatchObject({ status: 'success' });
});

/** A user whose access token has run out by the clock. */
async function createStaleUser(world: World): Promise<string> {
  const user = world.users.newUser();
  await deposit(world, user);
  return user;
}

/** A few at once: each of them consents and deposits, and they are not what is under test. */
async function createStaleUsers(world: World): Promise<string[]> {
  const users: string[] = [];
  while (users.length < USERS) {
    users.push(...(await Promise.all(Array.from({ length: 5 }, () => createStaleUser(world)))));
  }
  return users;
}

async function deposit(world: World, user: string, mcpServerId = world.mcpServerId): Promise<void> {
  await world.users.deposit(user, { ...(await world.users.consent(user, { mcpServerId })), expiresIn: 0 });
}

/** The user's next refresh. */
function intercept(world: World, accountId: string, action: TokenEndpointAction) {
  return world.authorizationServer.control.interceptTokenRequests(action, { accountId });
}

function startSteps(world: World, users: string[]): Promise<StepView[]> {
  return Promise.all(users.map((user) => world.steps.start(user, REPEATED_IF_LOST)));
}

async function expectSuccess(world: World, steps: StepView[]): Promise<void> {
  const results = await Promise.all(steps.map(world.steps.result));
  expect(results.map(({ status }) => status)).toEqual(Array(steps.length).fill('success'));
}

function grants(world: World, accountId: string) {
  return world.authorizationServer.stats.tokenGrants('refresh_token', { accountId });
}
