import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { TestWorker } from '../support/test-worker.ts';
import { INVOICE, type World } from '../support/world.ts';

setFlagsFromString('--expose_gc');
// The cast names what the flag adds.
const collectGarbage = runInNewContext('gc') as () => void;

const test = testInWorld({ withoutWorker: true });
let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  worker = await world.startWorker();
});

describe("another user's step", () => {
  test('is not found, like one that does not exist', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId } = await startPaused(world, user);

    for (const [who, id] of [
      [world.users.newUser(), stepId],
      [user, randomUUID()],
    ] as const) {
      expect(await world.steps.get(who, id)).toBeUndefined();
      expect(await world.steps.waitForChange(who, id, { timeoutMs: 5_000 })).toBeUndefined();
      expect(await world.steps.cancel(who, id)).toBe(false);
    }
    expect(await world.steps.get(user, stepId)).toMatchObject({ status: 'awaiting-input' });
  });
});

describe('waiting for a change', () => {
  test('ends as soon as the status changes', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId } = await startPaused(world, user);
    const change = timed(world.steps.waitForChange(user, stepId, { timeoutMs: 30_000 }));

    await world.users.connect(user);

    const { value, ms } = await change;
    expect(['running', 'success']).toContain(value?.status);
    expect(ms).toBeLessThan(10_000);
  });

  test('ends in time for every poll, whatever the garbage collection does meanwhile', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId } = await startPaused(world, user);
    const open = new AbortController();
    const polls = Array.from({ length: 20 }, () =>
      timed(world.steps.waitForChange(user, stepId, { timeoutMs: 2_000, signal: open.signal })),
    );

    const collecting = collectAgainAndAgain();
    const answers = await Promise.all(polls).finally(() => collecting.stop());

    for (const { value } of answers) expect(value).toMatchObject({ status: 'awaiting-input' });
  });

  test('ends as soon as a step is terminated, and shows it as cancelled', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId, workflowId } = await startPaused(world, user);
    const change = timed(world.steps.waitForChange(user, stepId, { timeoutMs: 30_000 }));

    await world.temporal.client.workflow.getHandle(workflowId).terminate();

    const { value, ms } = await change;
    expect(value).toMatchObject({ status: 'cancelled' });
    expect(value).not.toHaveProperty('connectUrl');
    expect(value).not.toHaveProperty('awaitingInputReason');
    expect(ms).toBeLessThan(10_000);
  });

  test('ends when its time is up, with the step as it is', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId } = await startPaused(world, user);

    const { value, ms } = await timed(world.steps.waitForChange(user, stepId, { timeoutMs: 1_000 }));

    expect(value).toMatchObject({ status: 'awaiting-input' });
    expect(ms).toBeGreaterThanOrEqual(990);
    expect(ms).toBeLessThan(15_000);
  });

  test('ends when the caller aborts', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId } = await startPaused(world, user);
    const interest = new AbortController();
    const options = { timeoutMs: 30_000, signal: interest.signal };
    const change = timed(world.steps.waitForChange(user, stepId, options));

    interest.abort();

    const { value, ms } = await change;
    expect(value).toMatchObject({ status: 'awaiting-input' });
    expect(ms).toBeLessThan(10_000);
  });

  test('ends at once for a step that has ended', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const step = await world.steps.start(user);
    await world.steps.result(step);

    const { value, ms } = await timed(world.steps.waitForChange(user, step.stepId, { timeoutMs: 30_000 }));

    expect(value).toMatchObject({ status: 'success' });
    expect(ms).toBeLessThan(10_000);
  });
});

describe('cancelling', () => {
  test('a step in mid-call cancels the call at the server', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const hold = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });
    const { stepId } = await world.steps.start(user);
    await hold.reached();

    expect(await world.steps.cancel(user, stepId)).toBe(true);

    await world.steps.until(user, stepId, 'cancelled');
    expect(world.mcpServer.calls({ user })).toEqual([]);
    expect(world.mcpServer.requests({ user, rpcMethod: 'notifications/cancelled' })).toHaveLength(1);
  });

  test('leaves a step that has ended as it is', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const step = await world.steps.start(user);
    await world.steps.result(step);

    expect(await world.steps.cancel(user, step.stepId)).toBe(true);

    expect(await world.steps.get(user, step.stepId)).toMatchObject({ status: 'success' });
  });
});

// Last: from here on there is no worker.
describe('without a worker, a step is shown in time', () => {
  let ended: StepView;
  let failed: StepView;
  let paused: StepView;
  let waiting: StepView;
  const user = `user-${randomUUID()}`;

  test.beforeAll(async ({ world }) => {
    paused = await startPaused(world, user);
    await world.register('other', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
    await world.users.connect(`${user}2`);
    ended = await world.steps.start(`${user}2`);
    failed = await world.steps.start(`${user}2`, { tool: 'fail', arguments: {} });
    await Promise.all([world.steps.result(ended), world.steps.result(failed)]);
    await worker.stop();
    waiting = await world.steps.start(user);
  });

  test.concurrent('when it has not begun', async ({ world }) => {
    expect(await getInTime(world, user, waiting)).toMatchObject({
      status: 'running',
      tool: 'create_invoice',
      timeline: [{ event: 'started' }],
    });
  });

  test.concurrent('when it waits for its user', async ({ world }) => {
    const shown = await getInTime(world, user, paused);
    expect(shown).toMatchObject({ status: 'awaiting-input', connectUrl: paused.connectUrl });
    // A page that is shown now can name the pause that it is about.
    expect(shown?.timeline.at(-1)).toEqual(paused.timeline.at(-1));
  });

  test.concurrent('its result', async ({ world }) => {
    expect(await getInTime(world, `${user}2`, ended)).toMatchObject({
      status: 'success',
      result: { structuredContent: INVOICE },
    });
  });

  test.concurrent('its error', async ({ world }) => {
    expect(await getInTime(world, `${user}2`, failed)).toMatchObject({
      status: 'error',
      error: { code: 'tool-error' },
      timeline: [{ event: 'started' }, { event: 'finished' }],
    });
  });

  test.concurrent('after a wait for a change that did not come', async ({ world }) => {
    const { value, ms } = await timed(world.steps.waitForChange(user, waiting.stepId, { timeoutMs: 500 }));
    expect(value).toMatchObject({ status: 'running' });
    expect(ms).toBeLessThan(15_000);
  });
});

async function startPaused(world: World, user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

/** Leaves time for work in between, however long a collection takes. */
function collectAgainAndAgain(): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const collect = () => {
    const from = performance.now();
    collectGarbage();
    timer = setTimeout(collect, Math.max(100, 5 * (performance.now() - from)));
  };
  collect();
  return { stop: () => clearTimeout(timer) };
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const from = performance.now();
  return { value: await work, ms: performance.now() - from };
}

async function getInTime(world: World, user: string, { stepId }: StepView): Promise<StepView | undefined> {
  const { value, ms } = await timed(world.steps.get(user, stepId));
  expect(ms).toBeLessThan(15_000);
  return value;
}
