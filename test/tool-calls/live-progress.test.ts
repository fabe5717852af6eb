import { expect, vi } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld();

test("the progress of a call is in the step's timeline while it runs and complete after its end", async ({
  world,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const hold = world.mcpServer.control.interceptTools({ do: 'hold-after-execution' }, { user });
  const { stepId } = await world.steps.start(user, {
    tool: 'slow_report',
    arguments: { durationMs: 20, steps: 4 },
  });

  // A heartbeat carries it, and those come every few seconds.
  await vi.waitFor(
    async () => {
      const step = await world.steps.get(user, stepId);
      expect(step?.status).toBe('running');
      expect(step?.timeline.at(-1)).toMatchObject({
        event: 'progress',
        progress: 4,
        total: 4,
        message: 'step 4 of 4',
      });
    },
    { timeout: 20_000, interval: 200 },
  );

  hold.release();
  const { timeline } = await world.steps.until(user, stepId, 'success');
  const progress = timeline.filter(({ event }) => event === 'progress');
  expect(progress.map((entry) => entry.progress)).toEqual([1, 2, 3, 4]);
  expect(timeline.at(-1)).toMatchObject({ event: 'finished' });
});
