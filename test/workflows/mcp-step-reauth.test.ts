import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT, reauthRequired, seen } from './outcomes.ts';
import { CONNECT_URL, held } from './scripted-activities.ts';
import { INPUT, stepIdOf } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const TIMED_OUT = { status: 'error', error: { code: 'reauth-timed-out' } };
const DAY_MS = 24 * 3_600_000;
const WAIT = { wait: true, connectUrl: CONNECT_URL };

const test = testWithTimeSkipping();

describe('a step that only its user can help', () => {
  test('waits, shows why and where, and goes on by itself at the next deposit', async ({ steps }) => {
    const resumed = held(completed);
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), resumed] });

    const paused = await step.until('awaiting-input');
    expect(paused).toMatchObject({
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'invalid-grant',
      connectUrl: CONNECT_URL,
      timeline: [
        { event: 'started' },
        { event: 'awaiting-input', reason: 'needs-oauth-reauth', connectionReason: 'invalid-grant' },
      ],
    });
    expect(paused.updatedAt).toBe(paused.timeline.at(-1)?.at);

    await step.deposit(2);
    await resumed.reached;
    const running = await step.view();
    expect(running.status).toBe('running');
    expect(Object.keys(running)).not.toContain('awaitingInputReason');
    expect(Object.keys(running)).not.toContain('connectionReason');
    expect(Object.keys(running)).not.toContain('connectUrl');
    resumed.release();
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(eventsOf(await step.view())).toStrictEqual(['started', 'awaiting-input', 'resumed', 'finished']);
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'invokeTool']);
    expect(step.play.inputs('registerWaiter')).toStrictEqual([
      {
        userId: 'ada',
        mcpServerId: 'ledger',
        stepId: stepIdOf(step),
        seen: seen(1),
        tokenRejected: false,
      },
    ]);
  });

  test('waits when its user was never connected', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(0), 'not-connected'), completed] });
    expect((await step.until('awaiting-input')).connectionReason).toBe('not-connected');

    await step.deposit(1);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('does not pause when the deposit came between the failure and the pause', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), completed],
      registerWaiter: [{ ...WAIT, wait: false }],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'invokeTool']);
    expect(eventsOf(await step.view())).toStrictEqual(['started', 'finished']);
  });

  test('does not lose a signal that arrives while the waiter is being registered', async ({ steps }) => {
    const registering = held(WAIT);
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), completed],
      registerWaiter: [registering],
    });
    await registering.reached;

    await step.deposit(2);
    registering.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('does not lose a signal that arrives during the call', async ({ steps }) => {
    const calling = held(reauthRequired(seen(1)));
    const step = await steps.start({ invokeTool: [calling, completed] });
    await calling.reached;

    await step.deposit(2);
    calling.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('pauses as often as necessary, each time for a deposit that it has not seen', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(2), 'invalid-client'), completed],
    });
    await step.until('awaiting-input');
    await step.deposit(2);
    const second = await step.untilView((view) => view.connectionReason === 'invalid-client');

    // The first pause's signal once more.
    await step.deposit(2);
    expect(await step.view()).toStrictEqual(second);
    await step.deposit(3);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('registerWaiter').map((input) => input.seen)).toStrictEqual([seen(1), seen(2)]);
  });
});

describe('the deadline of a pause', () => {
  test('is 30 days away by default, and then the step ends', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1))] });
    const paused = await step.until('awaiting-input');

    await expect(step.result()).resolves.toMatchObject(TIMED_OUT);

    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'removeWaiter']);
    const view = await step.view();
    expect(view).toMatchObject(TIMED_OUT);
    expect(view).not.toHaveProperty('awaitingInputReason');
    expect(view).not.toHaveProperty('connectUrl');
    expectAfter(view, paused.updatedAt, 30 * DAY_MS);
  });

  test('is where the step’s timeout puts it', async ({ steps }) => {
    const args = [{ ...INPUT, timeouts: { reauth: '2 days' } }];
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1))] }, { args });
    const paused = await step.until('awaiting-input');

    await expect(step.result()).resolves.toMatchObject(TIMED_OUT);

    expectAfter(await step.view(), paused.updatedAt, 2 * DAY_MS);
  });

  test('starts again with a pause for a newer deposit', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(2))] });
    await step.until('awaiting-input');
    await steps.sleep(20 * DAY_MS);
    await step.deposit(2);
    const second = await step.untilView((view) => view.timeline.length === 4 && view.status !== 'running');

    await expect(step.result()).resolves.toMatchObject(TIMED_OUT);

    expectAfter(await step.view(), second.updatedAt, 30 * DAY_MS);
  });

  test('ends the step when it passes while the step looks after a signal', async ({ steps }) => {
    const looking = async () => {
      await steps.sleep(20_000);
      return reauthRequired(seen(1));
    };
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), looking] });
    const paused = await step.until('awaiting-input');
    await steps.sleep(30 * DAY_MS - 10_000);

    await step.deposit(2 ** 53);

    await expect(step.result()).resolves.toMatchObject(TIMED_OUT);
    expectAfter(await step.view(), paused.updatedAt, 30 * DAY_MS);
  });
});

function eventsOf(view: StepView): string[] {
  return view.timeline.map((entry) => entry.event);
}

/** The server's clock runs between the skips. */
function expectAfter(view: StepView, since: string, ms: number): void {
  const elapsed = Date.parse(view.updatedAt) - Date.parse(since);
  expect(elapsed).toBeGreaterThanOrEqual(ms);
  expect(elapsed).toBeLessThan(ms + 60_000);
}
