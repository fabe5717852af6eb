import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, insufficientScope, RESULT, reauthRequired, seen } from './outcomes.ts';
import { CONNECT_URL, type Script } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const FORBIDDEN = { status: 'error', error: { code: 'forbidden' } };

const test = testWithTimeSkipping();

describe('a call for which the server asks for more scope', () => {
  test('pauses and says that consent must cover the granted and the challenged scopes', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [insufficientScope(seen(1), ['b', 'c'], ['a', 'b'])] });

    const view = await step.until('awaiting-input');

    expect(view).toMatchObject({
      awaitingInputReason: 'needs-oauth-scope',
      requiredScopes: ['a', 'b', 'c'],
      connectUrl: CONNECT_URL,
    });
    expect(view).not.toHaveProperty('connectionReason');
    expect(step.play.inputs('registerWaiter')).toMatchObject([
      { seen: seen(1), tokenRejected: false, requiredScopes: ['a', 'b', 'c'] },
    ]);
  });

  test('is made again after a deposit', async ({ steps }) => {
    const step = await startChallenged(steps, { invokeTool: [insufficientScope(seen(1), ['b']), completed] });

    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    const { timeline } = await step.view();
    expect(timeline.map(({ event }) => event)).toStrictEqual([
      ...['started', 'awaiting-input', 'resumed', 'finished'],
    ]);
    expect(await step.view()).not.toHaveProperty('requiredScopes');
  });

  test('is forbidden when the server asks for the same again after a deposit', async ({ steps }) => {
    const step = await startChallenged(steps, {
      invokeTool: [insufficientScope(seen(1), ['b', 'c']), insufficientScope(seen(2), ['c', 'b'])],
    });

    await step.deposit(2);

    await expect(step.result()).resolves.toMatchObject(FORBIDDEN);
  });

  test('pauses again when the consent was not asked for those scopes', async ({ steps }) => {
    const step = await startChallenged(steps, {
      invokeTool: [
        insufficientScope(seen(1), ['b']),
        { ...insufficientScope(seen(2), ['b']), requestedScopes: ['a'] },
        { ...insufficientScope(seen(3), ['b']), requestedScopes: ['a', 'b'] },
      ],
    });
    await step.deposit(2);
    await step.untilView(
      (view) => view.timeline.filter(({ event }) => event === 'awaiting-input').length === 2,
    );
    expect(step.play.inputs('registerWaiter')).toMatchObject([
      { seen: seen(1), requiredScopes: ['b'] },
      { seen: seen(2), requiredScopes: ['b'] },
    ]);
    await step.deposit(3);

    await expect(step.result()).resolves.toMatchObject(FORBIDDEN);
  });

  test('pauses again for other scopes, and asks for all of them together', async ({ steps }) => {
    const step = await startChallenged(steps, {
      invokeTool: [insufficientScope(seen(1), ['b']), insufficientScope(seen(2), ['c']), completed],
    });
    await step.deposit(2);

    // The deposit has not said what it covers.
    const second = await step.untilView((view) => view.requiredScopes?.includes('c') === true);
    expect(second.requiredScopes?.toSorted()).toStrictEqual(['b', 'c']);
    await step.deposit(3);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('is forbidden when the server asks for scopes in turn', async ({ steps }) => {
    const step = await startChallenged(steps, {
      invokeTool: [
        insufficientScope(seen(1), ['b']),
        insufficientScope(seen(2), ['c']),
        insufficientScope(seen(3), ['b']),
      ],
    });
    await step.deposit(2);
    await step.untilView((view) => view.requiredScopes?.includes('c') === true);
    await step.deposit(3);

    await expect(step.result()).resolves.toMatchObject(FORBIDDEN);
  });

  test('continues to wait after a signal without a deposit', async ({ steps }) => {
    const step = await startChallenged(steps, {
      invokeTool: [insufficientScope(seen(1), ['b']), insufficientScope(seen(1), ['b']), completed],
    });
    await step.deposit(2 ** 53);
    await step.untilView(({ status, timeline }) => status === 'awaiting-input' && timeline.length === 4);

    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('does not wait if the user has deposited meanwhile', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [insufficientScope(seen(1), ['b']), completed],
      registerWaiter: [{ wait: false, connectUrl: CONNECT_URL }],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('may also need its user to reconnect', async ({ steps }) => {
    const step = await startChallenged(steps, {
      invokeTool: [insufficientScope(seen(1), ['b']), reauthRequired(seen(2)), completed],
    });
    await step.deposit(2);
    await step.untilView((view) => view.awaitingInputReason === 'needs-oauth-reauth');

    await step.deposit(3);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('is given up when the user does not consent in time', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [insufficientScope(seen(1), ['b'])] },
      { args: [{ ...INPUT, timeouts: { reauth: '2 days' } }] },
    );

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'reauth-timed-out' } });

    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'removeWaiter']);
  });
});

async function startChallenged(steps: TimeSkippingSteps, script: Script): Promise<ScriptedStep> {
  const step = await steps.start(script);
  await step.until('awaiting-input');
  return step;
}
