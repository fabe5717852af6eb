import { describe, expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { startTestWorker } from '../support/test-worker.ts';

const test = testInWorld({ withoutWorker: true });

const UNTUNED = {
  maxConcurrentWorkflowTasks: undefined,
  activityPollers: undefined,
  workflowPollers: undefined,
  targets: undefined,
};

describe('a worker makes calls', () => {
  test.for([
    [
      'with as few slots and pollers as may be',
      { maxConcurrentActivities: 1 },
      { activityPollers: 1, workflowPollers: 2, maxConcurrentWorkflowTasks: 2 },
    ],
    [
      'with more pollers than slots',
      { maxConcurrentActivities: 2 },
      { activityPollers: 1000, workflowPollers: 1000 },
    ],
    [
      'with pollers by the server’s feedback',
      { maxConcurrentActivities: 3 },
      { activityPollers: 'auto', workflowPollers: 'auto' },
    ],
    ['with slots by CPU and memory', {}, { targets: { cpuPercent: 100, memoryPercent: 100 } }],
    ['without a cache', { maxCachedWorkflows: 0 }, {}],
  ] as const)('%s', async ([_, numbers, tuning], { world }) => {
    const config = { ...world.config, ...numbers, tuning: { ...UNTUNED, ...tuning } };
    const worker = await startTestWorker(config, world.temporal, world.services);
    const user = world.users.newUser();
    await world.users.connect(user);
    const steps = await Promise.all([1, 2, 3].map(() => world.steps.start(user)));

    const results = await Promise.all(steps.map(world.steps.result));

    expect(results.map(({ status }) => status)).toEqual(['success', 'success', 'success']);
    await worker.stop();
  });
});
