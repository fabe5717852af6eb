import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, notSent, RESULT, reauthRequired, renewed, seen, tokenStale } from './outcomes.ts';
import { type ActivityName, CONNECT_URL, held, untilCancelled } from './scripted-activities.ts';
import type { ScriptedStep } from './scripted-steps.ts';

const WAIT = { wait: true, connectUrl: CONNECT_URL };

const test = testWithTimeSkipping();

describe('cancelling a step', () => {
  test('before it began calls nothing', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    const step = await fleet.start({});
    await step.handle.cancel();

    await fleet.startWorker();

    await expectCancelled(step, []);
  });

  test('during the call cancels the call and waits for its outcome', async ({ steps }) => {
    const calling = untilCancelled(lost);
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;

    await step.handle.cancel();

    await expectCancelled(step, ['invokeTool']);
  });

  test.for([
    ['the token was stale', tokenStale(seen(1))],
    ['only the user can help', reauthRequired(seen(1))],
    ['it was not sent', notSent()],
  ] as const)('during the call ends it when the call says that %s', async ([_, outcome], { steps }) => {
    const calling = untilCancelled(outcome);
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;

    await step.handle.cancel();

    await expectCancelled(step, ['invokeTool']);
  });

  test('after the tool has answered returns the result of the call', async ({ steps }) => {
    const calling = untilCancelled(completed);
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;

    await step.handle.cancel();

    await expect(step.result()).resolves.toStrictEqual({ status: 'success', result: RESULT });
    expect(await step.view()).toMatchObject({ status: 'success', result: RESULT });
    expect((await step.view()).timeline.map((entry) => entry.event)).toStrictEqual([
      'started',
      'cancelling',
      'finished',
    ]);
  });

  test('after the tool has answered with an error returns that error', async ({ steps }) => {
    const calling = untilCancelled({ ...completed, isError: true });
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;

    await step.handle.cancel();

    await expect(step.result()).resolves.toMatchObject({ status: 'error', error: { code: 'tool-error' } });
  });

  test('while its waiter is being registered finishes the registration and removes the waiter', async ({
    steps,
  }) => {
    const registering = held(WAIT);
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1))],
      registerWaiter: [registering],
    });
    await registering.reached;

    await step.handle.cancel();
    await untilHeardBy(step);
    registering.release();

    await expectCancelled(step, ['invokeTool', 'registerWaiter', 'removeWaiter']);
  });

  test('while its waiter is being registered calls nothing even if a deposit came', async ({ steps }) => {
    const registering = held({ ...WAIT, wait: false });
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), completed],
      registerWaiter: [registering],
    });
    await registering.reached;

    await step.handle.cancel();
    await untilHeardBy(step);
    registering.release();

    await expectCancelled(step, ['invokeTool', 'registerWaiter']);
  });

  test('during a pause removes its waiter and ends the step', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1))] });
    await step.until('awaiting-input');

    await step.handle.cancel();

    await expectCancelled(step, ['invokeTool', 'registerWaiter', 'removeWaiter']);
    const view = await step.view();
    expect(view).not.toHaveProperty('awaitingInputReason');
    expect(view).not.toHaveProperty('connectUrl');
  });

  test('during a wait for the server ends the step', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [notSent(3_600_000)] });
    await untilWaitingForServer(step);

    await step.handle.cancel();

    await expectCancelled(step, ['invokeTool']);
  });

  test('after a forged signal woke it leaves no waiter behind', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), notSent(3_600_000)] });
    await step.until('awaiting-input');
    await step.deposit(2 ** 53);
    await untilWaitingForServer(step);

    await step.handle.cancel();

    await expectCancelled(step, ['invokeTool', 'registerWaiter', 'invokeTool', 'removeWaiter']);
  });

  test('before it began still reports bad input', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    const step = await fleet.start({}, { args: [null] });
    await step.handle.cancel();

    await fleet.startWorker();

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'invalid-arguments' } });
  });
});

// Last: the server skips no time any more once an activity has outlived its workflow.
describe('cancelling a step does not wait', () => {
  test('at the end of its pause for the removal of its waiter, which is removed once more', async ({
    steps,
  }) => {
    const removing = held(undefined);
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1))],
      removeWaiter: [removing],
    });
    await step.until('awaiting-input');
    const ended = step.closed();
    await removing.reached;

    await step.handle.cancel();

    expect(await ended).toBe('CANCELLED');
    removing.release();
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'removeWaiter', 'removeWaiter']);
  });

  test('during a renewal for the renewal', async ({ steps }) => {
    const renewing = held(renewed(seen(1, 2)));
    const step = await steps.start({ invokeTool: [tokenStale(seen(1))], refreshToken: [renewing] });
    await renewing.reached;

    await step.handle.cancel();

    await expectCancelled(step, ['invokeTool', 'refreshToken']);
    renewing.release();
  });
});

/** A query is answered after what came before it has been worked off. */
async function untilHeardBy(step: ScriptedStep): Promise<void> {
  await step.view();
}

async function untilWaitingForServer(step: ScriptedStep): Promise<void> {
  await step.untilView((view) => view.timeline.at(-1)?.event === 'waiting-for-server');
}

async function expectCancelled(step: ScriptedStep, order: ActivityName[]): Promise<void> {
  expect(await step.closed()).toBe('CANCELLED');
  expect(step.play.order).toStrictEqual(order);
  const view = await step.view();
  expect(view.status).toBe('cancelled');
  expect(view.timeline.at(-1)).toStrictEqual({ at: view.updatedAt, event: 'cancelled' });
  expect(view.timeline.map(({ event }) => event)).toContain('cancelling');
  expect(view).not.toHaveProperty('error');
}
