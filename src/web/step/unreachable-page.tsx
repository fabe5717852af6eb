import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { stepPath } from '../paths.ts';

const REFRESH_SECONDS = 10;

/** A form that was sent, to be sent again with what was entered. */
export interface SentForm {
  /** The last part of its address. */
  what: string;
  csrf: string;
  fields: readonly (readonly [name: string, value: string])[];
}

/** Shown while Temporal, which keeps the steps, can't be reached. `hasDecided`: a decision was on its way. */
export function unreachablePage(
  frame: PageFrame,
  { stepId, hasDecided, sent }: { stepId: string; hasDecided: boolean; sent?: SentForm | undefined },
): string {
  return renderPage({
    ...frame,
    title: 'Not available at the moment',
    // A page that holds what was entered is not replaced by itself.
    ...(sent === undefined && { live: true, refreshSeconds: REFRESH_SECONDS }),
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
        {sent !== undefined && <SendAgain action={stepPath(frame.base, stepId)} sent={sent} />}
        <p class="actions">
          <a class="button" href={stepPath(frame.base, stepId)}>
            {sent === undefined ? 'Try again' : 'Look at the step'}
          </a>
        </p>
      </article>
    ),
  });
}

function SendAgain({ action, sent: { what, csrf, fields } }: { action: string; sent: SentForm }) {
  return (
    <form method="post" action={`${action}/${what}`} id="send-again">
      <CsrfField value={csrf} />
      {fields.map(([name, value]) => (
        <input type="hidden" key={name} name={name} value={value} />
      ))}
      <p>What you entered is kept in this page. If the step has changed by then, it is not applied.</p>
      <p class="actions">
        <button type="submit">Send it again</button>
      </p>
    </form>
  );
}
