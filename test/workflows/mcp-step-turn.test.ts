import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, notSent, RESULT, tooManyCalls } from './outcomes.ts';
import { INPUT } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const MINUTES_2 = { ...INPUT, timeouts: { unavailable: '2m' } };

const test = testWithTimeSkipping();

describe('a step whose user has too many calls under way', () => {
  test('waits for longer than an outage may last and says so once', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [...Array(40).fill(tooManyCalls), completed] },
      { args: [MINUTES_2] },
    );

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const { timeline } = await step.view();
    expect(timeline.map(({ event }) => event)).toStrictEqual(['started', 'waiting-for-turn', 'finished']);
    expect(timeline[1]).toMatchObject({ cause: 'too-many-calls' });
    const [first, last] = [timeline[0]?.at ?? '', timeline[2]?.at ?? ''];
    expect(Date.parse(last) - Date.parse(first)).toBeGreaterThan(4 * 60_000);
  });

  test('does not count that wait as part of an outage', async ({ steps }) => {
    const waiting = Array(40).fill(tooManyCalls);
    const step = await steps.start(
      { invokeTool: [notSent(), ...waiting, notSent(), completed] },
      { args: [MINUTES_2] },
    );

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('still ends when the server is away for too long', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: Array.from({ length: 100 }, (_, n) => (n % 2 ? notSent(20_000) : tooManyCalls)) },
      { args: [MINUTES_2] },
    );

    await expect(step.result()).resolves.toMatchObject({
      status: 'error',
      error: { code: 'server-unavailable' },
    });
  });
});
