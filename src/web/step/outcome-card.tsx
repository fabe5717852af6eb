import type { ComponentChildren } from 'preact';
import { CsrfField } from '../page.tsx';
import { TextAreaField } from '../parts/field.tsx';
import { stepPath } from '../paths.ts';
import { REASON_WORDS } from '../step-words.ts';
import { causeWords } from './cause-words.ts';
import { PauseField } from './pause-field.tsx';
import { Waiting, type WaitingProps } from './waiting.tsx';

/** Asks what became of a call that was sent and not answered. */
export function OutcomeCard(props: WaitingProps) {
  const { frame, data, refused } = props;
  const lost = data.step.timeline.findLast(({ event }) => event === 'answer-lost');
  const { text = '', problem } = refused?.resultText ?? {};
  return (
    <Waiting frame={frame} data={data} heading={REASON_WORDS['outcome-unknown']}>
      <p>
        The call was sent, but no answer came{lost && `, because ${causeWords(lost.cause)}`}. The tool may or
        may not have run. Look at the server whether it happened, then choose:
      </p>
      <div class="choices">
        <Choice {...props} action="retry" button="Call again" when="It did not happen">
          The tool is called again. If it did happen, it may then have happened twice. Servers that recognize
          a repeated call do not run it twice.
        </Choice>
        <Choice
          {...props}
          action="succeed"
          button="It succeeded"
          when="It happened"
          field={
            <TextAreaField
              name="text"
              label="What came of it"
              hint="Becomes the result of the step."
              rows={2}
              value={text}
              problem={problem}
              hasFocus={problem !== undefined}
            />
          }
        >
          The step ends as succeeded. Nothing more is sent.
        </Choice>
        <Choice {...props} action="fail" button="It failed" when="Do not try again">
          The step ends as failed. Nothing more is sent, and nothing that happened is undone.
        </Choice>
      </div>
    </Waiting>
  );
}

interface ChoiceProps extends WaitingProps {
  action: 'retry' | 'succeed' | 'fail';
  button: string;
  /** When this is the right choice. */
  when: string;
  field?: ComponentChildren;
  children: string | string[];
}

function Choice({ frame, csrf, data, action, button, when, field, children }: ChoiceProps) {
  return (
    <form
      method="post"
      action={`${stepPath(frame.base, data.step.stepId)}/resolve`}
      id={`resolve-${action}`}
      class="choice"
    >
      <CsrfField value={csrf} />
      <PauseField step={data.step} />
      <input type="hidden" name="action" value={action} />
      <h3>{when}</h3>
      <p id={`resolve-${action}-means`}>{children}</p>
      {field}
      <button type="submit" class="quiet" aria-describedby={`resolve-${action}-means`}>
        {button}
      </button>
    </form>
  );
}
