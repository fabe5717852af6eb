import { describe, expect, onTestFinished } from 'vitest';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import type { TypescriptProcess } from '../support/child-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createWorld, REPEATED_IF_LOST, type World } from '../support/world.ts';
import { countRefreshing, holdRefreshes, startMany, stepsNotWaiting } from './contention.ts';
import { refreshes } from './refresh-failures.ts';

// The steps are there before the workers are, so that none comes too late for the refresh.

const PROCESSES = 4;
/** The thousand takes minutes: `npm run test:long`. */
const STEPS = process.env.LATCHKEY_TEST_LONG === 'on' ? 1_000 : 60;
/** Without the lease, forty show as much as a thousand. */
const STEPS_OF_CONTROL = 40;
const LIMIT_MS = 600_000;
/** A busy machine misses heartbeats: each one missed costs an attempt, after which Temporal waits up to a minute. */
const ASK_WITHIN_MS = 300_000;

const test = testInWorld({ withoutWorker: true });

describe.each([
  ['has run out by the clock', createStaleUser],
  ['the server refuses', createRefusedUser],
])(`in ${PROCESSES} worker processes with one token that %s,`, (_why, createUser) => {
  test(`${STEPS} steps make exactly one refresh`, { timeout: LIMIT_MS }, async ({ world }) => {
    const user = await createUser(world);
    const held = holdRefreshes(world, user, 1);
    const steps = await startMany(world, user, STEPS, REPEATED_IF_LOST);
    await startProcesses(() => startWorkerProcess(world.environment()));

    await held.releaseWhenMetBy(steps, PROCESSES);

    const results = await Promise.all(steps.map(world.steps.result));
    expect(results.filter(({ status }) => status === 'success')).toHaveLength(STEPS);
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
    const keys = world.mcpServer.calls({ user }).map((call) => call.idempotencyKey);
    expect(keys).toHaveLength(STEPS);
    expect(new Set(keys).size).toBe(STEPS);
    expect(await countRefreshing(world, steps)).toBe(STEPS);
  });

  test(`${STEPS_OF_CONTROL} steps without the lease lose the grant (negative control)`, {
    timeout: LIMIT_MS,
  }, async () => {
    const other = await createWorld({ withoutWorker: true });
    onTestFinished(() => other.stop());
    const user = await createUser(other);
    const held = holdRefreshes(other, user, PROCESSES);
    const steps = await startMany(other, user, STEPS_OF_CONTROL, REPEATED_IF_LOST);
    await startProcesses(() => startFaultyWorker(other.environment(), { [user]: { without: 'lease' } }));
    await other.startWorker({ withoutActivities: true });

    await held.releaseWhenMetBy(steps, PROCESSES);

    // Told by the authorization server that the grant is gone, each of them asks the user.
    const notAsking = () => stepsNotWaiting(other, user, steps);
    await expect.poll(notAsking, { timeout: ASK_WITHIN_MS, interval: 500 }).toEqual([]);
    const { succeeded, failed } = refreshes(other, user);
    expect(succeeded).toBe(1);
    expect(failed).toBeGreaterThan(0);
    expect(other.mcpServer.calls({ user })).toEqual([]);
  });
});

/** They end with the test. */
async function startProcesses(start: () => Promise<TypescriptProcess>): Promise<void> {
  const processes = await Promise.all(Array.from({ length: PROCESSES }, start));
  for (const one of processes) onTestFinished(() => one.kill());
}

async function createStaleUser({ users }: World): Promise<string> {
  const user = users.newUser();
  await users.deposit(user, { ...(await users.consent(user)), expiresIn: 0 });
  return user;
}

async function createRefusedUser({ users, authorizationServer }: World): Promise<string> {
  const user = users.newUser();
  await users.connect(user);
  authorizationServer.control.expireAccessTokens(user);
  return user;
}
