import type { StepView } from '../../contracts/step.ts';
import { CsrfField, type PageFrame } from '../page.tsx';
import { stepPath } from '../paths.ts';

interface CancelFormProps {
  frame: PageFrame;
  step: StepView;
  csrf: string;
}

/** Cancels the step at once. What that does stands beside the button. */
export function CancelForm({ frame, step, csrf }: CancelFormProps) {
  return (
    <form method="post" action={`${stepPath(frame.base, step.stepId)}/cancel`} id="cancel" class="aside">
      <p class="muted" id="cancel-hint">
        Not needed any more?{' '}
        {step.status === 'awaiting-input'
          ? 'A step that is cancelled stops waiting, and sends nothing more to the server.'
          : 'A step that is cancelled sends nothing more to the server. A call that is under way is broken off: the tool may have run all the same, and what it did is not undone. If its answer comes first, the result is kept.'}
      </p>
      <CsrfField value={csrf} />
      <button type="submit" class="danger" aria-describedby="cancel-hint">
        Cancel step
      </button>
    </form>
  );
}
