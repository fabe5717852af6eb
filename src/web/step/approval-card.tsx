import { connectUrl } from '../../contracts/urls.ts';
import { ArgumentsFields } from '../arguments-form/arguments-fields.tsx';
import { MARK_INPUT } from '../arguments-form/form-mark.ts';
import { SwitchView } from '../arguments-form/switch-view.tsx';
import { NEED_BUTTONS } from '../connection-needs.ts';
import { explainNoTools, isConsent } from '../no-tools-words.tsx';
import { CsrfField, type PageFrame } from '../page.tsx';
import { TextField } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { stepPath } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { REASON_WORDS } from '../step-words.ts';
import { ArgumentsTree } from './arguments.tsx';
import type { ApprovalForm } from './decision-input.ts';
import { PauseField } from './pause-field.tsx';
import { argumentsToApprove, type StepPageData } from './step-page-data.ts';
import { Waiting, type WaitingProps } from './waiting.tsx';

/** Asks whether the tool may be called, and with which arguments. */
export function ApprovalCard(props: WaitingProps) {
  const { frame, data, approval } = props;
  return (
    <Waiting frame={frame} data={data} heading={REASON_WORDS['needs-approval']}>
      <p>
        Nothing has been sent to the server yet. Approve it as it is, change the arguments first, or reject
        it. {annotationWords(data.step.pending?.annotations)}
      </p>
      {approval === undefined ? <Unchanged {...props} /> : <Editable {...props} approval={approval} />}
      <Reject {...props} />
    </Waiting>
  );
}

/** Arguments that are too large for a form, or not known. */
function Unchanged({ frame, csrf, data, refused }: WaitingProps) {
  const value = argumentsToApprove(data);
  return (
    <form method="post" action={`${stepPath(frame.base, data.step.stepId)}/approve`} id="approve">
      <CsrfField value={csrf} />
      <PauseField step={data.step} />
      {refused?.approval !== undefined && (
        <Notice kind="problem" hasFocus>
          {refused.approval}
        </Notice>
      )}
      {value === undefined ? (
        <p class="muted">The arguments can’t be read at the moment.</p>
      ) : (
        <ArgumentsTree reader={frame.reader} value={value} />
      )}
      <p class="actions">
        <button type="submit">Approve</button>
      </p>
    </form>
  );
}

function Editable({ frame, csrf, data, approval }: WaitingProps & { approval: ApprovalForm }) {
  const path = stepPath(frame.base, data.step.stepId);
  const { view, schema, form, values, mark, problems, notice } = approval;
  const hasForm = form.kind === 'fields';
  return (
    <form method="post" action={`${path}/approve`} id="approve">
      <CsrfField value={csrf} />
      <PauseField step={data.step} />
      <input type="hidden" name="view" value={view} />
      <input type="hidden" name={MARK_INPUT} value={mark} />
      {notice !== undefined && (
        <Notice kind="problem" hasFocus>
          {notice}
        </Notice>
      )}
      {schema === undefined && <Unchecked frame={frame} data={data} why={approval.noSchema} />}
      <ArgumentsFields form={form} values={values} problems={problems} view={view} />
      <p class="actions">
        <button type="submit">Approve</button>
        {hasForm && <SwitchView view={view} />}
      </p>
    </form>
  );
}

interface UncheckedProps {
  frame: PageFrame;
  data: StepPageData;
  /** Undefined: it is not known. */
  why: ApprovalForm['noSchema'];
}

/** Says that the tool's schema can't be read, why, and what helps. */
function Unchecked({ frame, data: { step, server }, why }: UncheckedProps) {
  const { text, remedy } = why === undefined ? {} : explainNoTools(why);
  const button = remedy !== undefined && isConsent(remedy) ? NEED_BUTTONS[remedy] : undefined;
  return (
    <Notice kind="warning" id="unchecked">
      <p>
        {text?.(<bdi>{shortText(server.title ?? step.mcpServerId, 100)}</bdi>)} So changed arguments can’t be
        checked now. Approving them unchanged works.
      </p>
      {button !== undefined && (
        <p>
          <a href={connectUrl(frame.base, step.mcpServerId, step.stepId, step.account)}>{button}</a>
        </p>
      )}
    </Notice>
  );
}

function Reject({ frame, csrf, data, refused }: WaitingProps) {
  const { text = '', problem } = refused?.reason ?? {};
  return (
    <form method="post" action={`${stepPath(frame.base, data.step.stepId)}/reject`} id="reject" class="aside">
      <CsrfField value={csrf} />
      <PauseField step={data.step} />
      <TextField
        name="reason"
        label="Why you reject it"
        hint="Shown in the step, and given to the program that asked for it."
        value={text}
        problem={problem}
        hasFocus={problem !== undefined}
      />
      <button type="submit" class="danger">
        Reject
      </button>
    </form>
  );
}

function annotationWords(annotations: { readOnlyHint?: boolean; destructiveHint?: boolean } | undefined) {
  if (annotations?.readOnlyHint === true) return 'The server says that this tool changes nothing.';
  if (annotations?.destructiveHint === true) return 'The server says that this tool may delete or overwrite.';
  return '';
}
