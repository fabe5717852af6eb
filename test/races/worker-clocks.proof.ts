import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { patchRow, readRenewAfter } from '../credentials/credential-row.ts';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { runLatchkey, type TypescriptProcess } from '../support/child-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createWorld, REPEATED_IF_LOST, type World } from '../support/world.ts';
import { countRefreshing, holdRefreshes, startMany, stepsNotWaiting } from './contention.ts';
import { eventsOf, refreshes } from './refresh-failures.ts';

const MINUTE_MS = 60_000;
const LIMIT = { timeout: 600_000 };
const SHIFTED_CLOCK = new URL('../integration/processes/shifted-clock.mjs', import.meta.url).href;
const SECRET = randomBytes(32).toString('hex');

const RENEWED = ['started', 'token-renewed', 'finished'];
const NOT_RENEWED = ['started', 'finished'];

const test = testInWorld({ withoutWorker: true, confidentialClient: true });
let processes: TypescriptProcess[];

beforeAll(async () => {
  processes = [];
});

afterAll(async () => {
  await Promise.all(processes.map((one) => one.kill()));
});

describe.each([
  ['ahead of the database', 10 * MINUTE_MS],
  ['behind the database', -10 * MINUTE_MS],
])('a worker and an API process whose clocks are 10 minutes %s', (_where, aheadMs) => {
  let ready: Ready[];

  test.beforeAll(async ({ world }) => {
    ready = await Promise.all([start(world, 'worker', aheadMs), start(world, 'server', aheadMs)]);
  });

  afterAll(() => Promise.all(ready.map((one) => one.process.kill('SIGTERM'))));

  const connect = async (world: World, deposit: Partial<Deposit>) => {
    const user = world.users.newUser();
    await depositAt(ready[1]?.url ?? '', user, { ...(await world.users.consent(user)), ...deposit });
    return user;
  };

  test('report that time (control)', () => {
    for (const { offMs } of ready) expect(Math.abs(offMs - aheadMs)).toBeLessThan(MINUTE_MS);
  });

  test('do not renew a token that is good for five more minutes', async ({ world }) => {
    const user = await connect(world, { expiresIn: 300 });
    expectAbout(await dueAfter(world, user), 240);

    expect(await runStep(world, user)).toEqual(NOT_RENEWED);

    expect(refreshes(world, user)).toEqual({ succeeded: 0, failed: 0 });
  });

  test('renew one that ran out five minutes ago, once, and store when the new one is due', async ({
    world,
  }) => {
    const user = await connect(world, { expiresIn: 3_600 });
    await patchRow(
      world.services.db,
      keyOf(world, user),
      "renew_after = clock_timestamp() - interval '5 minutes'",
    );

    expect(await runStep(world, user)).toEqual(RENEWED);
    expect(await runStep(world, user)).toEqual(NOT_RENEWED);

    expectAbout(await dueAfter(world, user), 3_540);
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('use a client secret that expires in five minutes', async ({ world }) => {
    const user = await connect(world, { expiresIn: 0, clientSecretExpiresAt: inMs(5 * MINUTE_MS) });

    expect(await runStep(world, user)).toEqual(RENEWED);
  });

  test('do not use one that expired five minutes ago, and ask the user', async ({ world }) => {
    const user = await connect(world, { expiresIn: 0, clientSecretExpiresAt: inMs(-5 * MINUTE_MS) });
    const { stepId } = await world.steps.start(user);

    const step = await world.steps.until(user, stepId, 'awaiting-input', 'success', 'error');

    expect(step).toMatchObject({ status: 'awaiting-input', connectionReason: 'client-secret-expired' });
    expect(refreshes(world, user)).toEqual({ succeeded: 0, failed: 0 });
  });
});

describe('many steps of one user with two workers whose clocks are 20 minutes apart', () => {
  const STEPS = 40;
  const APART = [10 * MINUTE_MS, -10 * MINUTE_MS];

  async function createStaleUser(of: World): Promise<string> {
    const user = of.users.newUser();
    await of.users.deposit(user, { ...(await of.users.consent(user)), expiresIn: 0 });
    return user;
  }

  test('make one refresh', LIMIT, async ({ world }) => {
    const user = await createStaleUser(world);
    const held = holdRefreshes(world, user, 1);
    const steps = await startMany(world, user, STEPS, REPEATED_IF_LOST);
    await Promise.all(APART.map((aheadMs) => start(world, 'worker', aheadMs)));

    await held.releaseWhenMetBy(steps, APART.length);

    for (const step of steps) expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
    expect(world.mcpServer.calls({ user })).toHaveLength(STEPS);
    expect(await countRefreshing(world, steps)).toBe(STEPS);
  });

  test('lose the grant without the lease (negative control)', LIMIT, async () => {
    const other = await createWorld({ withoutWorker: true, confidentialClient: true });
    onTestFinished(() => other.stop());
    const user = await createStaleUser(other);
    const held = holdRefreshes(other, user, APART.length);
    const steps = await startMany(other, user, STEPS, REPEATED_IF_LOST);
    const faulty = (aheadMs: number) =>
      startFaultyWorker({ ...other.environment(), ...withClock(aheadMs) }, { [user]: { without: 'lease' } });
    for (const one of await Promise.all(APART.map(faulty))) onTestFinished(() => one.kill());
    await other.startWorker({ withoutActivities: true });

    await held.releaseWhenMetBy(steps, APART.length);

    const notAsking = () => stepsNotWaiting(other, user, steps);
    await expect.poll(notAsking, { timeout: 300_000, interval: 500 }).toEqual([]);
    const { succeeded, failed } = refreshes(other, user);
    expect(succeeded).toBe(1);
    expect(failed).toBeGreaterThan(0);
  });
});

interface Ready {
  process: TypescriptProcess;
  /** How far its clock is ahead of ours, by its log. */
  offMs: number;
  /** Of a server. */
  url?: string;
}

/** `latchkey worker` or `server`, with a clock that is off. */
async function start(world: World, role: 'worker' | 'server', aheadMs: number): Promise<Ready> {
  const environment = {
    ...world.environment(),
    ...withClock(aheadMs),
    LOG_LEVEL: 'info',
    ...(role === 'server' && { PORT: '0', JWT_SECRET: SECRET }),
  };
  const process = runLatchkey(environment, role);
  processes.push(process);
  for (;;) {
    const { msg, time, url } = JSON.parse(await process.nextLine());
    if (msg === 'ready') return { process, offMs: Date.parse(time) - Date.now(), url };
  }
}

function withClock(aheadMs: number): Record<string, string> {
  return { NODE_OPTIONS: `--import ${SHIFTED_CLOCK}`, CLOCK_AHEAD_MS: String(aheadMs) };
}

async function depositAt(apiUrl: string, user: string, deposit: Deposit): Promise<void> {
  const token = await new SignJWT({ sub: user, exp: Math.floor(Date.now() / 1000) + 3600 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET));
  const response = await fetch(`${apiUrl}/mcp-oauth-credentials`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(deposit),
  });
  expect(await response.json()).toEqual({ stored: true, changed: true, version: 1, resuming: 0 });
}

async function runStep(world: World, user: string): Promise<string[]> {
  const step = await world.steps.start(user);
  expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  return eventsOf(world, user, step);
}

function keyOf(world: World, userId: string) {
  return { userId, mcpServerId: world.mcpServerId };
}

function dueAfter(world: World, user: string): Promise<number | null> {
  return readRenewAfter(world.services.db, keyOf(world, user));
}

function expectAbout(seconds: number | null, expected: number): void {
  expect(Math.abs((seconds ?? Number.NaN) - expected)).toBeLessThan(30);
}

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
