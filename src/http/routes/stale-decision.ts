import type { StepKey } from '../../steps/read-step.ts';
import { pauseOf } from '../../web/step/pause-field.tsx';
import type { StepPageDependencies } from './step-page-reading.ts';

/**
 * Whether the form was shown for an earlier question of the step than the one that it asks now. False where that can't
 * be told; then the step itself judges the decision.
 */
export async function isStale(
  { steps }: Pick<StepPageDependencies, 'steps'>,
  key: StepKey,
  { pause = '' }: { pause?: string | undefined },
): Promise<boolean> {
  const shown = await steps.show({ ...key, maxStoredBytes: 0 });
  if (shown === undefined || !shown.isAnswered) return false;
  return shown.step.status === 'awaiting-input' && pauseOf(shown.step) !== pause;
}
