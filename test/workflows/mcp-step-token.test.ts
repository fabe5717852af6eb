import { ApplicationFailure } from '@temporalio/common';
import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import {
  completed,
  notSent,
  RESULT,
  reauthRequired,
  renewed,
  seen,
  tokenStale,
  unauthorized,
  unauthorizedExpired,
} from './outcomes.ts';
import { type ActivityName, throwing } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, stepIdOf } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const USER_AND_SERVER = { userId: INPUT.userId, mcpServerId: INPUT.mcpServerId };
const PAUSED = { status: 'awaiting-input', awaitingInputReason: 'needs-oauth-reauth' };

const test = testWithTimeSkipping();

describe('a stale token', () => {
  test('is renewed, and the call is made with the renewed version', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool', 'refreshToken', 'invokeTool']);
    expect(step.play.inputs('refreshToken')).toStrictEqual([{ ...USER_AND_SERVER, seen: seen(1) }]);
    const [first, second] = step.play.inputs('invokeTool');
    expect(first).not.toHaveProperty('justRenewed');
    expect(second).toStrictEqual({ ...first, justRenewed: 2 });
  });

  test('that only the user can replace makes the step wait for the user', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), completed],
      refreshToken: [reauthRequired(seen(1), 'refresh-outcome-lost')],
    });

    expect(await step.until('awaiting-input')).toMatchObject({
      ...PAUSED,
      connectionReason: 'refresh-outcome-lost',
    });
    expect(registered(step)).toStrictEqual([{ seen: seen(1), tokenRejected: false }]);
    await step.deposit(2);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

describe('a token that the server refuses', () => {
  test('is renewed once', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [unauthorized(seen(1)), completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool', 'refreshToken', 'invokeTool']);
  });

  test('and refuses again after its renewal makes the step wait for the user', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [unauthorized(seen(1)), unauthorized(seen(1, 2)), completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await expectRejectedAfter(step, ['invokeTool', 'refreshToken', 'invokeTool']);
    await step.deposit(2);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('and refuses again after another process renewed it makes the step wait too', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [unauthorized(seen(1)), unauthorized(seen(1, 3)), completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await expectRejectedAfter(step, ['invokeTool', 'refreshToken', 'invokeTool'], seen(1, 3));
    await step.deposit(2);
    await step.result();
  });

  test('is not renewed when it has just been renewed for being stale', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), unauthorized(seen(1, 2)), completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await expectRejectedAfter(step, ['invokeTool', 'refreshToken', 'invokeTool']);
    await step.deposit(2);
    await step.result();
  });

  test('is renewed once more after a while if it ran out before it was used', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), unauthorized(seen(1, 2)), tokenStale(seen(1, 2)), completed],
      refreshToken: [renewed(seen(1, 2)), renewed(seen(1, 3))],
      registerWaiter: [{ wait: false, ranOut: true, connectUrl: '' }],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.inputs('invokeTool')[2]).not.toHaveProperty('justRenewed');
    const { timeline } = await step.view();
    expect(timeline).toContainEqual(
      expect.objectContaining({ event: 'waiting-for-server', cause: 'token-ran-out' }),
    );
  });

  test('is renewed at once if its lifetime had passed, however often it was renewed before', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [
        unauthorized(seen(1)),
        ...[2, 3, 4].map((version) => unauthorizedExpired(seen(1, version))),
        completed,
      ],
      refreshToken: [2, 3, 4, 5].map((version) => renewed(seen(1, version))),
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).not.toContain('registerWaiter');
  });

  test('makes the step wait when the fourth in a row has expired', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [1, 2, 3, 4]
        .map((version) => unauthorizedExpired(seen(1, version)))
        .concat(unauthorizedExpired(seen(1, 5)), completed),
      refreshToken: [2, 3, 4].map((version) => renewed(seen(1, version))),
    });
    const renewedOnce: ActivityName[] = ['invokeTool', 'refreshToken'];
    const order = [...renewedOnce, ...renewedOnce, ...renewedOnce, 'invokeTool' as const];

    await expectRejectedAfter(step, order, seen(1, 4));
    await step.deposit(2);
    await step.result();
  });

  test('counts anew after another outcome', async ({ steps }) => {
    const expired = (versions: number[]) => versions.map((version) => unauthorizedExpired(seen(1, version)));
    const step = await steps.start({
      invokeTool: [...expired([1, 2, 3]), notSent(), ...expired([4, 5, 6]), completed],
      refreshToken: [2, 3, 4, 5, 6, 7].map((version) => renewed(seen(1, version))),
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('is renewed once again after a new deposit', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [
        ...[unauthorized(seen(1)), unauthorized(seen(1, 2))],
        ...[unauthorized(seen(2, 3)), completed],
      ],
      refreshToken: [renewed(seen(1, 2)), renewed(seen(2, 4))],
    });
    await step.until('awaiting-input');

    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('refreshToken').map((input) => input.seen)).toStrictEqual([seen(1), seen(2, 3)]);
  });

  test.for([
    ['refused', unauthorized(seen(1))],
    ['stale', tokenStale(seen(1))],
  ] as const)(
    'may be renewed again after a wait for the server, though it was %s before',
    async ([_, first], { steps }) => {
      const step = await steps.start({
        invokeTool: [first, notSent(), unauthorized(seen(1, 2)), completed],
        refreshToken: [renewed(seen(1, 2)), renewed(seen(1, 3))],
      });

      await expect(step.result()).resolves.toStrictEqual(SUCCESS);

      expect(step.play.inputs('refreshToken').map((input) => input.seen)).toStrictEqual([
        seen(1),
        seen(1, 2),
      ]);
    },
  );

  test('is not used beyond its lifetime after a wait for the server although it was new before', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), notSent(3_600_000), completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await step.result();

    const [, beforeTheWait, afterIt] = step.play.inputs('invokeTool');
    expect(beforeTheWait).toHaveProperty('justRenewed', 2);
    expect(afterIt).not.toHaveProperty('justRenewed');
  });
});

describe('a renewal', () => {
  test('is repeated by Temporal while it is told to try later', async ({ steps }) => {
    const later = throwing(tryLater('30s'));
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), completed],
      refreshToken: [later, later, throwing(new Error('the database is down')), later, renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const scheduled = (await step.events()).filter((event) => event === 'activityTaskScheduled');
    expect(scheduled).toHaveLength(3);
  });

  test('is given up when the step may wait no longer', async ({ steps }) => {
    const step = await steps.start(
      {
        invokeTool: [tokenStale(seen(1))],
        refreshToken: Array.from({ length: 30 }, () => throwing(tryLater('1m'))),
      },
      { args: [{ ...INPUT, timeouts: { unavailable: '10m' } }] },
    );

    await expect(step.result()).resolves.toMatchObject({
      status: 'error',
      // It may have answered all the time, in words that nobody knows.
      error: {
        code: 'server-unavailable',
        message: 'the authorization server did not renew the token in time',
      },
    });

    // About ten on an idle machine. On a busy one, the server skips time while a try waits for the worker.
    expect(step.play.inputs('refreshToken').length).toBeGreaterThan(1);
    expect(step.play.inputs('refreshToken').length).toBeLessThanOrEqual(11);
  });

  test('that the operator has to make possible ends the step as misconfigured', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1))],
      refreshToken: [{ kind: 'misconfigured', message: 'the client is unknown there' }],
    });

    await expect(step.result()).resolves.toStrictEqual({
      status: 'error',
      error: { code: 'misconfigured', message: 'the client is unknown there' },
    });
  });
});

async function expectRejectedAfter(
  step: ScriptedStep,
  order: ActivityName[],
  rejected = seen(1, 2),
): Promise<void> {
  const view = await step.until('awaiting-input');
  expect(view).toMatchObject({ ...PAUSED, connectionReason: 'token-rejected' });
  expect(step.play.order).toStrictEqual([...order, 'registerWaiter']);
  expect(registered(step)).toStrictEqual([{ seen: rejected, tokenRejected: true }]);
}

function registered(step: ScriptedStep) {
  return step.play.inputs('registerWaiter').map(({ userId, mcpServerId, stepId, ...rest }) => {
    expect({ userId, mcpServerId, stepId }).toStrictEqual({
      ...USER_AND_SERVER,
      stepId: stepIdOf(step),
    });
    return rest;
  });
}

function tryLater(nextRetryDelay: '30s' | '1m'): ApplicationFailure {
  return ApplicationFailure.create({ type: 'TryLater', message: 'busy', nextRetryDelay });
}
