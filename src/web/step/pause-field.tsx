import { pauseOf } from '../../contracts/pause-of.ts';
import type { StepView } from '../../contracts/step.ts';

/** The hidden input of a form that decides about a step: it names the pause that the form is shown for. */
export function PauseField({ step }: { step: Pick<StepView, 'timeline'> }) {
  return <input type="hidden" name="pause" value={pauseOf(step) ?? ''} />;
}
