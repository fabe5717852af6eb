import type { StepView } from '../../contracts/step.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { stepPath } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { stepName } from '../step-words.ts';

/** Asks again before a step is cancelled. */
export function cancelPage(frame: PageFrame, { step, csrf }: { step: StepView; csrf: string }): string {
  const path = stepPath(frame.base, step.stepId);
  return renderPage({
    ...frame,
    title: 'Cancel this step?',
    children: (
      <>
        <h1>Cancel this step?</h1>
        <p>
          <strong dir="auto">{shortText(stepName(step), 200)}</strong>
        </p>
        <p>
          {step.status === 'awaiting-input'
            ? 'It stops waiting, and nothing is sent to the server any more.'
            : 'Nothing more is sent to the server. A call that is under way is broken off: the tool may still have run, and what it did is not undone. If its answer comes first, the result is kept.'}
        </p>
        <form method="post" action={`${path}/cancel`} class="actions" id="cancel">
          <CsrfField value={csrf} />
          <button type="submit" class="danger">
            Cancel step
          </button>
          <a class="button quiet" href={path}>
            Keep it
          </a>
        </form>
      </>
    ),
  });
}
