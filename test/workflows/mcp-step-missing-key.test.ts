import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import {
  completed,
  keyMissing,
  notSent,
  RESULT,
  renewed,
  seen,
  tokenStale,
  unauthorized,
} from './outcomes.ts';
import { INPUT } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const MISCONFIGURED = {
  status: 'error',
  error: { code: 'misconfigured', message: 'encryption key k2 is not configured' },
};
const MINUTE_MS = 60_000;

const test = testWithTimeSkipping();

const forEver = Array.from({ length: 100 }, () => keyMissing);

describe('a key that no worker has yet', () => {
  test('is waited for by durable timers that grow up to a minute, and the call is made once it is there', async ({
    steps,
  }) => {
    const step = await steps.start({ invokeTool: [...forEver.slice(0, 9), completed] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const view = await step.view();
    expect(waitsOf(view)).toHaveLength(9);
    waitsOf(view).forEach((waitMs, n) => {
      const longest = Math.min(1_000 * 2 ** n, MINUTE_MS);
      expect(waitMs).toBeGreaterThanOrEqual(longest / 2);
      expect(waitMs).toBeLessThanOrEqual(longest);
    });
    expect(view.timeline[1]).toMatchObject({ event: 'waiting-for-key', kid: 'k2' });
    expect(step.play.order).not.toContain('registerWaiter');
  });

  test('ends the step as misconfigured after ten minutes without asking the user', async ({ steps }) => {
    const step = await steps.start({ invokeTool: forEver });

    await expect(step.result()).resolves.toStrictEqual(MISCONFIGURED);

    expect(elapsed(await step.view())).toBeGreaterThan(9 * MINUTE_MS - 1_000);
    expect(elapsed(await step.view())).toBeLessThan(11 * MINUTE_MS);
    expect(step.play.order).not.toContain('registerWaiter');
  });

  test('is not waited for longer than the step may be unavailable', async ({ steps }) => {
    const args = [{ ...INPUT, timeouts: { unavailable: '2m' } }];
    const step = await steps.start({ invokeTool: forEver }, { args });

    await expect(step.result()).resolves.toStrictEqual(MISCONFIGURED);

    expect(elapsed(await step.view())).toBeLessThan(3 * MINUTE_MS);
  });

  test('has ten minutes of its own after an outage, and again after it was there', async ({ steps }) => {
    const outage = Array.from({ length: 12 }, () => notSent());
    const almost = forEver.slice(0, 12);
    const step = await steps.start({
      invokeTool: [...outage, ...almost, notSent(), ...almost, completed],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('during a renewal leads to another renewal, without another call', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [unauthorized(seen(1)), completed],
      refreshToken: [...forEver.slice(0, 5), renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool', ...Array(6).fill('refreshToken'), 'invokeTool']);
  });

  test('during a renewal ends the step as misconfigured after ten minutes', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [tokenStale(seen(1))], refreshToken: forEver });

    await expect(step.result()).resolves.toStrictEqual(MISCONFIGURED);

    expect(elapsed(await step.view())).toBeLessThan(11 * MINUTE_MS);
  });

  test('allows another renewal for a 401, because the token may have run out during the wait', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), keyMissing, unauthorized(seen(1, 2)), completed],
      refreshToken: [renewed(seen(1, 2)), renewed(seen(1, 3))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).not.toContain('registerWaiter');
  });
});

function waitsOf(view: StepView): number[] {
  return view.timeline.flatMap((entry) => (typeof entry.waitMs === 'number' ? [entry.waitMs] : []));
}

function elapsed(view: StepView): number {
  return Date.parse(view.updatedAt) - Date.parse(view.createdAt);
}
