import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, notSent, RESULT, reauthRequired, renewed, seen, tokenStale } from './outcomes.ts';
import { INPUT } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const UNAVAILABLE = { status: 'error', error: { code: 'server-unavailable' } };
const MINUTE_MS = 60_000;

const test = testWithTimeSkipping();

describe('a call that could not be sent', () => {
  test('is made again by durable timers that grow up to five minutes', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [...times(14, notSent()), completed] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const view = await step.view();
    waitsOf(view).forEach((waitMs, n) => {
      const longest = Math.min(1_000 * 2 ** n, 5 * MINUTE_MS);
      expect(waitMs).toBeGreaterThanOrEqual(longest / 2);
      expect(waitMs).toBeLessThanOrEqual(longest);
    });
    expect(waitsOf(view)).toHaveLength(14);
    expectTimeToHavePassed(view);
    expect((await step.events()).filter((event) => event === 'timerFired')).toHaveLength(14);
  });

  test('says why it waits', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [notSent(MINUTE_MS), completed] });
    await step.result();

    const entry = (await step.view()).timeline[1];

    expect(entry).toStrictEqual({
      at: entry?.at,
      event: 'waiting-for-server',
      cause: 'connection-refused',
      waitMs: MINUTE_MS,
    });
  });

  test('is not repeated before the time that the server names', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [notSent(20 * MINUTE_MS), completed] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(waitsOf(await step.view())).toStrictEqual([20 * MINUTE_MS]);
    expectTimeToHavePassed(await step.view());
  });

  test.for([0, 1, -5])('waits even if the server asks for %d ms', async (retryAfterMs, { steps }) => {
    const step = await steps.start({ invokeTool: [notSent(retryAfterMs), completed] });
    await step.result();

    expect(waitsOf(await step.view())[0]).toBeGreaterThanOrEqual(500);
  });

  test('is given up within the time that the step allows', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: times(100, notSent()) },
      { args: [{ ...INPUT, timeouts: { unavailable: '1h' } }] },
    );

    await expect(step.result()).resolves.toMatchObject(UNAVAILABLE);

    const view = await step.view();
    expect(view).toMatchObject(UNAVAILABLE);
    expect(elapsed(view)).toBeLessThanOrEqual(60 * MINUTE_MS);
    expect(elapsed(view)).toBeGreaterThan(50 * MINUTE_MS);
  });

  test('is given up after a day unless the step says otherwise', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [...times(3, notSent(8 * 60 * MINUTE_MS - 1_000)), notSent()],
    });

    await expect(step.result()).resolves.toMatchObject(UNAVAILABLE);
    expect(waitsOf(await step.view())).toHaveLength(3);
  });

  test('is given up at once when the server names a time after the step’s deadline', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [notSent(25 * 60 * MINUTE_MS)] });

    await expect(step.result()).resolves.toMatchObject(UNAVAILABLE);

    expect(elapsed(await step.view())).toBeLessThan(MINUTE_MS);
  });

  test('counts an outage from zero after a pause, because time spent waiting for a person does not count', async ({
    steps,
  }) => {
    const step = await steps.start(
      {
        invokeTool: [
          ...[notSent(), notSent(), notSent(8 * MINUTE_MS), reauthRequired(seen(1))],
          ...[notSent(), notSent(8 * MINUTE_MS), completed],
        ],
      },
      { args: [{ ...INPUT, timeouts: { unavailable: '10m' } }] },
    );
    await steps.sleep(9 * MINUTE_MS);
    await step.until('awaiting-input');
    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(waitsOf(await step.view())[3]).toBeLessThanOrEqual(1_000);
  });

  test('is given up in time although its token has to be renewed meanwhile', async ({ steps }) => {
    const step = await steps.start(
      {
        invokeTool: [notSent(), notSent(8 * MINUTE_MS), tokenStale(seen(1)), notSent(8 * MINUTE_MS)],
        refreshToken: [renewed(seen(1, 2))],
      },
      { args: [{ ...INPUT, timeouts: { unavailable: '10m' } }] },
    );

    await expect(step.result()).resolves.toMatchObject(UNAVAILABLE);
  });

  test('is made again once a worker can make it', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    await fleet.startWorker({ only: 'workflows' });
    const unable = await fleet.startWorker({
      only: 'activities',
      activities: { removeWaiter: async () => {} },
    });
    const step = await fleet.start({ invokeTool: [completed] });
    await step.untilView((view) => view.timeline.at(-1)?.cause === 'no-worker');

    await unable.stop();
    await fleet.startWorker({ only: 'activities' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toStrictEqual(['invokeTool']);
  });
});

function times<T>(count: number, outcome: T): T[] {
  return Array.from({ length: count }, () => outcome);
}

function waitsOf(view: StepView): number[] {
  return view.timeline.flatMap((entry) => (typeof entry.waitMs === 'number' ? [entry.waitMs] : []));
}

function elapsed(view: StepView): number {
  return Date.parse(view.updatedAt) - Date.parse(view.createdAt);
}

function expectTimeToHavePassed(view: StepView): void {
  const waited = waitsOf(view).reduce((sum, waitMs) => sum + waitMs, 0);
  expect(elapsed(view)).toBeGreaterThanOrEqual(waited);
  expect(elapsed(view)).toBeLessThan(waited + MINUTE_MS);
}
