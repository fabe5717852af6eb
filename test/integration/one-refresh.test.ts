import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { TypescriptProcess } from '../support/child-process.ts';
import { createWorld, type World } from '../support/world.ts';
import { startWorkerProcess } from './processes/start-worker-process.ts';

let world: World;
const workers: TypescriptProcess[] = [];

beforeAll(async () => {
  world = await createWorld({ withoutWorker: true });
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await world.stop();
});

describe.each([
  { processes: 2, steps: 60 },
  { processes: 4, steps: 80 },
])('$steps steps in $processes worker processes on one token', ({ processes, steps: count }) => {
  beforeAll(async () => {
    const missing = Array.from({ length: processes - workers.length }, () => world.environment());
    workers.push(...(await Promise.all(missing.map(startWorkerProcess))));
  });

  test('that has run out by the clock make exactly one refresh', async () => {
    const user = world.newUser();
    await world.deposit(user, { ...(await world.consent(user)), expiresIn: 0 });
    await expectOneRefresh(user, count, processes);
  });

  test('that the server refuses make exactly one refresh', async () => {
    const user = world.newUser();
    await world.connect(user);
    world.authorizationServer.control.expireAccessTokens(user);
    await expectOneRefresh(user, count, processes);
  });
});

test('the control: a refresh token sent twice costs the grant, and both requests are counted', async () => {
  const user = world.newUser();
  const { refreshToken, tokenEndpoint, clientId = '', resource = '' } = await world.consent(user);
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId, resource };

  for (const _ of [1, 2]) await fetch(tokenEndpoint, { method: 'POST', body: new URLSearchParams(form) });

  expect(refreshes(user)).toEqual({ succeeded: 1, failed: 1 });
});

async function expectOneRefresh(user: string, count: number, processes: number): Promise<void> {
  // Slow enough for all of them to meet the refresh under way.
  world.authorizationServer.control.interceptTokenRequests({ do: 'delay', ms: 500 }, { accountId: user });
  const steps = await Promise.all(Array.from({ length: count }, () => world.start(user)));

  const results = await Promise.all(steps.map(world.result));

  expect(results.filter(({ status }) => status === 'success')).toHaveLength(count);
  expect(refreshes(user)).toEqual({ succeeded: 1, failed: 0 });
  expect(world.mcpServer.calls({ user })).toHaveLength(count);
  const { all, refreshing } = await workersOf(steps);
  expect(all.size).toBe(processes);
  expect(refreshing.size).toBeGreaterThan(1);
}

function refreshes(user: string) {
  return world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user });
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
