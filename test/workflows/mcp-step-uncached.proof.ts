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
} from './outcomes.ts';
import { held } from './scripted-activities.ts';

const test = testWithTimeSkipping({ maxCachedWorkflows: 0 });

describe('on a worker that keeps no workflow in memory', () => {
  test('a step renews, waits for the server, pauses twice, ignores a forged signal and resumes', async ({
    steps,
  }) => {
    const registering = held({ wait: true, connectUrl: 'https://latchkey.example/connect/ledger' });
    const step = await steps.start({
      invokeTool: [
        ...[tokenStale(seen(1)), notSent(60_000), unauthorized(seen(1, 2)), unauthorized(seen(1, 3))],
        ...[reauthRequired(seen(1, 3), 'token-rejected'), reauthRequired(seen(2, 4)), completed],
      ],
      refreshToken: [renewed(seen(1, 2)), renewed(seen(1, 3))],
      registerWaiter: [registering],
    });
    await steps.sleep(60_000);
    await registering.reached;
    registering.release();
    await step.until('awaiting-input');
    await step.deposit(2 ** 53);
    const pauses = async (count: number) =>
      step.untilView(
        ({ status, timeline }) =>
          status === 'awaiting-input' &&
          timeline.filter((entry) => entry.event === 'awaiting-input').length === count,
      );
    await pauses(2);
    await step.handle.signal('credentialDeposited', null);
    await step.deposit(2);
    await pauses(3);
    await step.deposit(3);

    await expect(step.result()).resolves.toStrictEqual({ status: 'success', result: RESULT });

    expect((await step.view()).timeline.map((entry) => entry.event)).toStrictEqual([
      ...['started', 'token-renewed', 'waiting-for-server', 'token-renewed'],
      ...['awaiting-input', 'resumed', 'awaiting-input', 'resumed', 'awaiting-input', 'resumed', 'finished'],
    ]);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test('a paused step is cancelled and leaves no waiter', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1))] });
    await step.until('awaiting-input');

    await step.handle.cancel();

    expect(await step.closed()).toBe('CANCELLED');
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'removeWaiter']);
    expect((await step.view()).status).toBe('cancelled');
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test('a paused step times out', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1))] });

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'reauth-timed-out' } });

    expect(await step.events()).not.toContain('workflowTaskFailed');
  });
});
