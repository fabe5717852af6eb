import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, keyMissing, RESULT, renewed, seen, tokenStale, unauthorized } from './outcomes.ts';
import { INPUT } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const REFUSED = {
  kind: 'misconfigured',
  message: 'register it again',
  clientRefused: 'invalid_client',
} as const;
const MINUTE_MS = 60_000;

const test = testWithTimeSkipping();

const refused = (times: number) => Array.from({ length: times }, () => REFUSED);

describe("an operator's client that is refused", () => {
  test('is waited for by durable timers that grow up to a minute, and the step goes on once it is mended', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [unauthorized(seen(1)), completed],
      refreshToken: [...refused(9), renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const view = await step.view();
    expect(waitsOf(view)).toHaveLength(9);
    waitsOf(view).forEach((waitMs, n) => {
      const longest = Math.min(1_000 * 2 ** n, MINUTE_MS);
      expect(waitMs).toBeGreaterThanOrEqual(longest / 2);
      expect(waitMs).toBeLessThanOrEqual(longest);
    });
    expect(view.timeline[1]).toMatchObject({ event: 'waiting-for-operator', cause: 'invalid_client' });
    // Not by another call: a 401 to that would be taken for a verdict on a renewed token.
    expect(step.play.order).toStrictEqual(['invokeTool', ...Array(10).fill('refreshToken'), 'invokeTool']);
  });

  test('ends the step when it may wait no longer, says what to do and asks no user', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [tokenStale(seen(1))], refreshToken: refused(60) },
      { args: [{ ...INPUT, timeouts: { unavailable: '3m' } }] },
    );

    await expect(step.result()).resolves.toStrictEqual({
      status: 'error',
      error: { code: 'misconfigured', message: 'register it again' },
    });

    const view = await step.view();
    const elapsedMs = Date.parse(view.updatedAt) - Date.parse(view.createdAt);
    expect(elapsedMs).toBeGreaterThan(2 * MINUTE_MS - 1_000);
    expect(elapsedMs).toBeLessThan(3 * MINUTE_MS + 1_000);
    expect(step.play.order).not.toContain('registerWaiter');
  });

  test('has its full waiting time after a wait for a key', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [tokenStale(seen(1)), completed],
      refreshToken: [keyMissing, ...refused(7), keyMissing, ...refused(2), renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('is told from failures that no waiting helps', async ({ steps }) => {
    const { clientRefused: _, ...misconfigured } = REFUSED;
    const step = await steps.start({ invokeTool: [tokenStale(seen(1))], refreshToken: [misconfigured] });

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'misconfigured' } });

    expect((await step.view()).timeline.map(({ event }) => event)).toEqual(['started', 'finished']);
  });
});

function waitsOf(view: StepView): number[] {
  return view.timeline.flatMap(({ event, waitMs }) =>
    event === 'waiting-for-operator' && typeof waitMs === 'number' ? [waitMs] : [],
  );
}
