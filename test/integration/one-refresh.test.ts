import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { TypescriptProcess } from '../support/child-process.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';
import { startFaultyWorker } from './processes/start-faulty-worker.ts';
import { startWorkerProcess } from './processes/start-worker-process.ts';

const PROCESSES = 4;
/** The thousand takes minutes: `npm run test:long`. */
const STEPS = process.env.LATCHKEY_TEST_LONG === 'on' ? 1_000 : 120;
/** So many of them at least find a refresh under way. */
const MEETING = 100;
const STARTS_AT_ONCE = 25;
/** Less than the 60 s for which a process waits for an answer. */
const HOLD_AT_MOST_MS = 35_000;
const LIMIT_MS = 300_000;

let world: World;
const workers: TypescriptProcess[] = [];

beforeAll(async () => {
  world = await createWorld({ withoutWorker: true });
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await world.stop();
});

describe(`${STEPS} steps in ${PROCESSES} worker processes on one token`, { timeout: LIMIT_MS }, () => {
  beforeAll(async () => {
    await startProcesses(() => startWorkerProcess(world.environment()));
  });

  test('that has run out by the clock make exactly one refresh', async () => {
    const user = await createStaleUser(world);
    await expectOneRefresh(user);
  });

  test('that the server refuses make exactly one refresh', async () => {
    const user = world.newUser();
    await world.connect(user);
    world.authorizationServer.control.expireAccessTokens(user);
    await expectOneRefresh(user);
  });
});

test(`${MEETING} steps without the lease lose the grant (negative control)`, {
  timeout: LIMIT_MS,
}, async (context) => {
  const other = await createWorld({ withoutWorker: true });
  context.onTestFinished(() => other.stop());
  const user = await createStaleUser(other);
  await startProcesses(() => startFaultyWorker(other.environment(), { [user]: { without: 'lease' } }));
  await other.startWorker({ withoutActivities: true });

  await contend(other, user, { steps: MEETING, refreshes: PROCESSES });

  // Told by the authorization server that the grant is gone, each of them asks the user.
  await vi.waitFor(async () => expect(await other.waiting(user)).toHaveLength(MEETING), { timeout: 120_000 });
  const { succeeded, failed } = refreshes(other, user);
  expect(succeeded).toBe(1);
  expect(failed).toBeGreaterThan(0);
  expect(other.mcpServer.calls({ user })).toEqual([]);
});

async function startProcesses(start: () => Promise<TypescriptProcess>): Promise<void> {
  workers.push(...(await Promise.all(Array.from({ length: PROCESSES }, start))));
}

async function createStaleUser({ newUser, deposit, consent }: World): Promise<string> {
  const user = newUser();
  await deposit(user, { ...(await consent(user)), expiresIn: 0 });
  return user;
}

/**
 * Starts that many steps of one user. The answer to the refresh is held back until `MEETING` of them have met it
 * under way, and as many have been sent as are expected to be.
 */
async function contend(
  world: World,
  user: string,
  { steps: count, refreshes: expected }: { steps: number; refreshes: number },
): Promise<StepView[]> {
  const { authorizationServer, temporal } = world;
  const hold = (times: number) =>
    authorizationServer.control.interceptTokenRequests(
      { do: 'hold-before-processing' },
      { accountId: user, times },
    );
  const [first, others] = [hold(1), hold(Number.POSITIVE_INFINITY)];
  const meeting = startMany(world, user, MEETING);
  const starting = meeting.then(() => startMany(world, user, count - MEETING));
  await Promise.all([first.reached(), others.reached(expected - 1)]);
  await withinHold(async (isOver) => untilAllRefresh(temporal, await meeting, isOver));
  // One after the other: oidc-provider does not notice reuse in the very same moment.
  first.release();
  await expect
    .poll(() => authorizationServer.stats.tokenRequests({ accountId: user, grantType: 'refresh_token' }), {
      timeout: 20_000,
    })
    .toHaveLength(1);
  others.release();
  return [...(await meeting), ...(await starting)];
}

async function startMany({ start }: World, user: string, count: number): Promise<StepView[]> {
  const steps: StepView[] = [];
  for (let left = count; left > 0; left -= STARTS_AT_ONCE) {
    const some = Array.from({ length: Math.min(left, STARTS_AT_ONCE) }, async () => {
      const stepId = randomUUID();
      // A start has a time limit of its own, which a busy machine may exceed; starting a step again is harmless.
      return vi.waitFor(() => start(user, { stepId }), { timeout: LIMIT_MS });
    });
    steps.push(...(await Promise.all(some)));
  }
  return steps;
}

/** Waits for `work`, but no longer than a refresh may be held. */
async function withinHold(work: (isOver: () => boolean) => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + HOLD_AT_MOST_MS;
  await Promise.race([work(() => performance.now() > giveUpAt), delay(HOLD_AT_MOST_MS)]);
}

async function untilAllRefresh(
  temporal: TestTemporal,
  steps: StepView[],
  isOver: () => boolean,
): Promise<void> {
  for (const step of steps) {
    while (!isOver() && !(await isRefreshing(temporal, step))) await delay(100);
  }
}

async function isRefreshing({ client }: TestTemporal, { workflowId }: StepView): Promise<boolean> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'refreshToken');
}

async function expectOneRefresh(user: string): Promise<void> {
  const steps = await contend(world, user, { steps: STEPS, refreshes: 1 });
  const results = await Promise.all(steps.map(world.result));

  expect(results.filter(({ status }) => status === 'success')).toHaveLength(STEPS);
  expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
  const keys = world.mcpServer.calls({ user }).map((call) => call.idempotencyKey);
  expect(keys).toHaveLength(STEPS);
  expect(new Set(keys).size).toBe(STEPS);
  const { all, refreshing } = await workersOf(steps.slice(0, MEETING));
  expect(all.size).toBe(PROCESSES);
  expect(refreshing.size).toBe(PROCESSES);
}

function refreshes({ authorizationServer }: World, accountId: string) {
  return authorizationServer.stats.tokenGrants('refresh_token', { accountId });
}

/** The identities (`pid@host`) of the workers that took activities of these steps, and those that took refreshes. */
async function workersOf(steps: StepView[]): Promise<{ all: Set<unknown>; refreshing: Set<unknown> }> {
  const all = new Set<unknown>();
  const refreshing = new Set<unknown>();
  for (const { workflowId } of steps) {
    const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
    const refreshIds = new Set(
      (events ?? [])
        .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'refreshToken')
        .map((event) => Number(event.eventId)),
    );
    for (const started of (events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes ?? [])) {
      all.add(started.identity);
      if (refreshIds.has(Number(started.scheduledEventId))) refreshing.add(started.identity);
    }
  }
  return { all, refreshing };
}
