import type { StepKey } from '../../steps/read-step.ts';
import type { ShownStep } from '../../steps/show-step.ts';
import { DECISION_NOTICES } from '../../web/step/decision-notice.tsx';
import { pauseOf } from '../../web/step/pause-field.tsx';
import type { Decided, StepPageDependencies } from './step-page-reading.ts';

/** The hidden field that names the pause which a form was shown for. */
interface PauseOfForm {
  pause?: string | undefined;
}

/** The form was shown for an earlier question. */
export const LATE: Decided = {
  kind: 'sent',
  outcome: { kind: 'not-waiting', message: 'the step asks something else now' },
  said: DECISION_NOTICES.late,
};

/**
 * Whether the form was shown for an earlier question of the step than the one that it asks now. False where that can't
 * be told; then the step itself judges the decision.
 */
export function asksAnother(
  { step, isAnswered }: Pick<ShownStep, 'step' | 'isAnswered'>,
  { pause = '' }: PauseOfForm,
): boolean {
  return isAnswered && step.status === 'awaiting-input' && pauseOf(step) !== pause;
}

/** Reads the step for `asksAnother`. */
export async function isStale(
  { steps }: Pick<StepPageDependencies, 'steps'>,
  key: StepKey,
  form: PauseOfForm,
): Promise<boolean> {
  const shown = await steps.show({ ...key, maxStoredBytes: 0 });
  return shown !== undefined && asksAnother(shown, form);
}
