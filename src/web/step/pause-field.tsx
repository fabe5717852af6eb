import type { StepView } from '../../contracts/step.ts';

/** Names the question that a decision answers: a step may ask the same again, for another call. */
export function pauseOf({ timeline }: Pick<StepView, 'timeline'>): string {
  return timeline.findLast(({ event }) => event === 'awaiting-input')?.at ?? '';
}

/** The hidden input of a form that decides about a step. */
export function PauseField({ step }: { step: Pick<StepView, 'timeline'> }) {
  return <input type="hidden" name="pause" value={pauseOf(step)} />;
}
