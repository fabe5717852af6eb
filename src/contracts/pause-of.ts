import type { StepView } from './step.ts';

/**
 * Names the pause that a step is in, or was in last: `at` of its latest timeline entry `awaiting-input`. A step may ask
 * the same question again, for another call. Undefined: the step has never paused, or its timeline can't be read.
 */
export function pauseOf({ timeline }: Pick<StepView, 'timeline'>): string | undefined {
  return timeline.findLast(({ event }) => event === 'awaiting-input')?.at;
}
