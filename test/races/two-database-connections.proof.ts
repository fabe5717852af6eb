import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { TokenEndpointAction } from '../../src/dev/embedded/authorization-server-token-endpoint.ts';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { startWorkerProcess, type WorkerProcess } from '../integration/processes/start-worker-process.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { createWorld, type World } from '../support/world.ts';

const DATABASE_POOL_SIZE = 2;
const USERS = 40;
const OTHER_SERVER = 'other-ledger';

let world: World;
let worker: WorkerProcess;
let api: TestApi;

beforeAll(async () => {
  world = await createWorld({ withoutWorker: true });
  await world.register(OTHER_SERVER, { url: world.mcpServer.url, auth: { type: 'oauth2' } });
  api = await startTestApi({ ...world, config: { ...world.config, databasePoolSize: DATABASE_POOL_SIZE } });
  worker = await startWorkerProcess({
    ...world.environment(),
    DATABASE_POOL_SIZE: String(DATABASE_POOL_SIZE),
  });
});

afterAll(async () => {
  await worker.kill();
  await api.stop();
  await world.stop();
});

// Answers that do not come: whatever gets through meanwhile has not waited for them.
describe(`while ${USERS} users' refreshes wait for their answers, with ${DATABASE_POOL_SIZE} database connections`, () => {
  let users: string[];
  let steps: StepView[];
  let letGo: () => void;

  beforeAll(async () => {
    users = await createStaleUsers();
    const held = users.map((user) => intercept(user, { do: 'hold-before-processing' }));
    letGo = () => held.forEach((one) => void one.release());
    steps = await startSteps(users);
    await Promise.all(held.map((one) => one.reached()));
  });

  test('the steps of others go on, those that need a refresh too', async () => {
    const [fresh, stale] = [world.newUser(), await createStaleUser()];
    await world.connect(fresh);

    await expectSuccess(await startSteps([fresh, stale]));

    expect(grants(stale)).toEqual({ succeeded: 1, failed: 0 });
    expect(users.map(grants)).toEqual(Array(USERS).fill({ succeeded: 0, failed: 0 }));
  });

  test('a step of one of them goes on at another server', async () => {
    const [user = ''] = users;
    await deposit(user, OTHER_SERVER);

    await expectSuccess([await world.start(user, { mcpServerId: OTHER_SERVER })]);

    // Of the other server's credential.
    expect(grants(user)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('the HTTP API takes deposits and lists connections, theirs too', async () => {
    const [, user = ''] = users;
    const other = world.newUser();
    const stored = await api.ask(other, 'POST /mcp-oauth-credentials', await world.consent(other));
    const lists = await Promise.all([other, user].map((one) => api.ask(one, 'GET /mcp-oauth-credentials')));

    expect(stored).toMatchObject({ status: 200, body: { stored: true } });
    const connected = { status: 200, body: { connections: [{ status: 'connected', version: 1 }] } };
    expect(lists).toMatchObject([connected, connected]);
    expect(grants(user)).toEqual({ succeeded: 0, failed: 0 });
  });

  test('and when the answers come, all of them go on with one refresh each', async () => {
    letGo();

    await expectSuccess(steps);

    const [, ...others] = users;
    expect(others.map(grants)).toEqual(Array(USERS - 1).fill({ succeeded: 1, failed: 0 }));
  });
});

test(`${USERS} users with three steps each get through a token endpoint that takes 3 s, by one refresh each`, async () => {
  const users = await createStaleUsers();
  for (const user of users) intercept(user, { do: 'delay', ms: 3_000 });

  await expectSuccess(await startSteps([...users, ...users, ...users]));

  expect(users.map(grants)).toEqual(Array(USERS).fill({ succeeded: 1, failed: 0 }));
  for (const user of users) expect(world.mcpServer.calls({ user })).toHaveLength(3);
});

test('refreshes that keep their connections while they wait stop everybody else (negative control)', {
  timeout: 120_000,
}, async ({ onTestFinished }) => {
  const other = await createWorld({ withoutWorker: true });
  onTestFinished(() => other.stop());
  const users = await createStaleUsers(other);
  const held = users.map((user) => intercept(user, { do: 'hold-before-processing' }, other));
  const environment = { ...other.environment(), DATABASE_POOL_SIZE: String(DATABASE_POOL_SIZE) };
  const faults = Object.fromEntries(users.map((user) => [user, { keepsConnection: true }]));
  const faulty = await startFaultyWorker(environment, faults);
  onTestFinished(() => faulty.kill());
  await other.startWorker({ withoutActivities: true });
  await Promise.all(users.map((user) => other.start(user)));
  const hits = () => held.reduce((sum, one) => sum + one.hits(), 0);
  await vi.waitFor(() => expect(hits()).toBe(DATABASE_POOL_SIZE), { timeout: 30_000 });
  const bystander = other.newUser();
  await other.connect(bystander);

  const result = other.result(await other.start(bystander));

  // Without the fault this takes a fraction of a second.
  expect(await Promise.race([result, delay(5_000, 'stopped')])).toBe('stopped');
  expect(hits()).toBe(DATABASE_POOL_SIZE);
  for (const one of held) one.release();
  expect(await result).toMatchObject({ status: 'success' });
});

/** A user whose access token has run out by the clock. */
async function createStaleUser(of = world): Promise<string> {
  const user = of.newUser();
  await deposit(user, of.mcpServerId, of);
  return user;
}

/** A few at once: each of them consents and deposits, and they are not what is under test. */
async function createStaleUsers(of = world): Promise<string[]> {
  const users: string[] = [];
  while (users.length < USERS) {
    users.push(...(await Promise.all(Array.from({ length: 5 }, () => createStaleUser(of)))));
  }
  return users;
}

async function deposit(user: string, mcpServerId = world.mcpServerId, of = world): Promise<void> {
  await of.deposit(user, { ...(await of.consent(user, { mcpServerId })), expiresIn: 0 });
}

/** The user's next refresh. */
function intercept(accountId: string, action: TokenEndpointAction, of = world) {
  return of.authorizationServer.control.interceptTokenRequests(action, { accountId });
}

function startSteps(users: string[]): Promise<StepView[]> {
  return Promise.all(users.map((user) => world.start(user)));
}

async function expectSuccess(steps: StepView[]): Promise<void> {
  const results = await Promise.all(steps.map(world.result));
  expect(results.map(({ status }) => status)).toEqual(Array(steps.length).fill('success'));
}

function grants(accountId: string) {
  return world.authorizationServer.stats.tokenGrants('refresh_token', { accountId });
}
