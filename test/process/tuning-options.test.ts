import { describe, expect, test } from 'vitest';
import { tuningOptions } from '../../src/process/tuning-options.ts';

const UNTUNED = {
  maxConcurrentWorkflowTasks: undefined,
  activityPollers: undefined,
  workflowPollers: undefined,
  targets: undefined,
};

function optionsOf(
  tuning: Partial<Parameters<typeof tuningOptions>[0]['tuning']>,
  maxCachedWorkflows?: number,
) {
  return tuningOptions({
    maxConcurrentActivities: 8,
    maxCachedWorkflows,
    tuning: { ...UNTUNED, ...tuning },
  });
}

describe('the options of a worker', () => {
  test('leave pollers and cache to the SDK where nothing is set', () => {
    expect(optionsOf({})).toEqual({
      maxConcurrentActivityTaskExecutions: 8,
      maxConcurrentWorkflowTaskExecutions: 40,
      maxConcurrentNexusTaskPolls: 2,
    });
  });

  test('hold fixed slots', () => {
    expect(optionsOf({ maxConcurrentWorkflowTasks: 3 })).toMatchObject({
      maxConcurrentWorkflowTaskExecutions: 3,
    });
  });

  test('hold no more pollers than slots', () => {
    expect(optionsOf({ activityPollers: 1_000, workflowPollers: 1_000 })).toMatchObject({
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 8 },
      workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 40 },
    });
    expect(optionsOf({ activityPollers: 2, workflowPollers: 5 })).toMatchObject({
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
      workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 5 },
    });
  });

  test('let pollers follow the backlog, within the slots', () => {
    expect(
      optionsOf({ activityPollers: 'auto', workflowPollers: 'auto', maxConcurrentWorkflowTasks: 4 }),
    ).toMatchObject({
      activityTaskPollerBehavior: { type: 'autoscaling', initial: 5, maximum: 8 },
      workflowTaskPollerBehavior: { type: 'autoscaling', initial: 4, maximum: 4 },
    });
  });

  test('hold slots that follow CPU and memory, up to the fixed numbers', () => {
    const options = optionsOf({ targets: { cpuPercent: 80, memoryPercent: 70 } });

    expect(options.tuner).toEqual({
      tunerOptions: { targetCpuUsage: 0.8, targetMemoryUsage: 0.7 },
      activityTaskSlotOptions: { maximumSlots: 8 },
      workflowTaskSlotOptions: { maximumSlots: 1_000 },
    });
    // The SDK refuses both at once.
    expect(options).not.toHaveProperty('maxConcurrentActivityTaskExecutions');
    expect(options).not.toHaveProperty('maxConcurrentWorkflowTaskExecutions');
  });

  test('hold the size of the cache, also none', () => {
    expect(optionsOf({}, 0)).toMatchObject({ maxCachedWorkflows: 0 });
  });
});
