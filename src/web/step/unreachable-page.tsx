import { type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { stepPath } from '../paths.ts';

const REFRESH_SECONDS = 10;

/** Shown while Temporal, which keeps the steps, can't be reached. `hasDecided`: a decision was on its way. */
export function unreachablePage(
  frame: PageFrame,
  { stepId, hasDecided }: { stepId: string; hasDecided: boolean },
): string {
  return renderPage({
    ...frame,
    title: 'Not available at the moment',
    live: true,
    refreshSeconds: REFRESH_SECONDS,
    children: (
      <article id="step">
        <h1>Not available at the moment</h1>
        <Notice kind="warning">
          Steps can’t be read at the moment. None is lost: they go on by themselves.
        </Notice>
        {hasDecided && (
          <p>
            It is not known whether your decision arrived. Look at the step again before you decide once more.
          </p>
        )}
        <dl class="card">
          <dt>Step</dt>
          <dd>
            <code>{stepId}</code>
          </dd>
        </dl>
        <p class="actions">
          <a class="button" href={stepPath(frame.base, stepId)}>
            Try again
          </a>
        </p>
      </article>
    ),
  });
}
