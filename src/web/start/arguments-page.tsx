import { accountMember } from '../../contracts/accounts.ts';
import { STEP_MODES, type StepMode, type StepView, type ToolDescription } from '../../contracts/step.ts';
import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import { ArgumentsFields } from '../arguments-form/arguments-fields.tsx';
import type { ArgumentsForm, ArgumentsView, FormValues } from '../arguments-form/form-field.ts';
import { formMark, MARK_INPUT } from '../arguments-form/form-mark.ts';
import { problemSentence } from '../arguments-form/problem-words.ts';
import { SwitchView } from '../arguments-form/switch-view.tsx';
import { CsrfField, type PageFrame } from '../page.tsx';
import { TextField } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { startPath, stepPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { shortText } from '../short-text.ts';
import { MODE_WORDS, stepName } from '../step-words.ts';
import { type ChosenServer, renderStage } from './stages.tsx';
import { effectOf, toolTitle } from './tool-words.ts';
import { Effect } from './tools-page.tsx';

export interface ArgumentsPage {
  server: ChosenServer;
  tool: ToolDescription;
  /** From the tool's input schema. */
  argumentsForm: ArgumentsForm;
  /** The annotations of the tool count, because an admin trusts the server. */
  isTrusted: boolean;
  csrf: string;
  entered: EnteredStep;
  /** Why no step was started. */
  refusal?: Refusal | undefined;
  /** The form was filled in from this step. */
  before?: StepBefore | undefined;
}

/** A step that is to be started once more. */
export interface StepBefore {
  step: StepView;
  /** Why its arguments are not in the form. */
  lack?: 'unreadable' | 'too-large';
}

/** What the form holds. */
export interface EnteredStep {
  /** Sending the form twice starts one step. */
  stepId: string;
  view: ArgumentsView;
  values: FormValues;
  title: string;
  mode: StepMode;
}

export type Refusal =
  | { kind: 'problems'; arguments: readonly ArgumentProblem[]; title?: string | undefined }
  /** This form has started a step with other arguments before. */
  | { kind: 'started-before'; stepId: string }
  /** Temporal is down. */
  | { kind: 'unavailable' }
  /** The form was made with another schema, so its fields were not read. */
  | { kind: 'changed' }
  /** The form has no fields for these arguments. */
  | { kind: 'no-fields'; names: readonly string[] };

const MAX_DESCRIPTION = 2_000;

/** The third stage: enter the arguments, and start the step. */
export function argumentsPage(frame: PageFrame, page: ArgumentsPage): string {
  const { server, tool, isTrusted } = page;
  const title = toolTitle(tool);
  const effect = isTrusted ? effectOf(tool.annotations) : undefined;
  return renderStage(frame, {
    stage: 'arguments',
    server,
    title,
    children: (
      <>
        <h1 dir="auto">{title}</h1>
        {effect !== undefined && (
          <p>
            <Effect {...effect} />
          </p>
        )}
        {tool.description !== undefined && (
          <p class="description" dir="auto">
            {shortText(tool.description, MAX_DESCRIPTION)}
          </p>
        )}
        {server.isPaused && (
          <Notice kind="warning" id="paused">
            <p>
              <bdi>{serverName(server)}</bdi> is paused. You can start the step: it waits until an admin
              resumes the server.
            </p>
          </Notice>
        )}
        <BeforeNotice base={frame.base} before={page.before} />
        <RefusalNotice base={frame.base} refusal={page.refusal} />
        <StartForm frame={frame} page={page} />
      </>
    ),
  });
}

const LACKS = {
  unreadable: 'Its arguments can’t be read at the moment, so they are not filled in.',
  'too-large': 'Its arguments are too large for a form, so they are not filled in.',
} as const satisfies Record<NonNullable<StepBefore['lack']>, string>;

function BeforeNotice({ base, before }: { base: string; before: StepBefore | undefined }) {
  if (before === undefined) return null;
  const { step, lack } = before;
  return (
    <Notice kind={lack === undefined ? 'info' : 'warning'} id="before">
      <p>
        The new step begins with what{' '}
        <a href={stepPath(base, step.stepId)}>
          <bdi>{shortText(stepName(step), 100)}</bdi>
        </a>{' '}
        was called with. {lack === undefined ? 'Change what has to be another way.' : LACKS[lack]}
      </p>
    </Notice>
  );
}

function RefusalNotice({ base, refusal }: { base: string; refusal: Refusal | undefined }) {
  if (refusal === undefined) return null;
  switch (refusal.kind) {
    case 'problems':
      return null;
    case 'started-before':
      return (
        <Notice kind="warning" id="refusal" hasFocus>
          <p>
            This form has started <a href={stepPath(base, refusal.stepId)}>a step with other arguments</a>{' '}
            before. No second step was started. Press “Start step” again if you want another one.
          </p>
        </Notice>
      );
    case 'unavailable':
      return (
        <Notice kind="problem" id="refusal" hasFocus>
          <p>
            Steps can’t be started at the moment. What you entered is still here: press “Start step” again in
            a moment. It starts one step, even if the last try did get through.
          </p>
        </Notice>
      );
    case 'changed':
      return (
        <Notice kind="warning" id="refusal" hasFocus>
          <p>
            What the tool accepts has changed since you opened this page. Nothing was started. Look at the
            arguments, then press “Start step” again.
          </p>
        </Notice>
      );
    case 'no-fields':
      return (
        <Notice kind="warning" id="refusal" hasFocus>
          <p dir="auto">
            The form has no field for {refusal.names.join(', ')}. Remove that to use the form, or start the
            step from here.
          </p>
        </Notice>
      );
    default:
      return refusal satisfies never;
  }
}

function StartForm({ frame: { base }, page }: { frame: PageFrame; page: ArgumentsPage }) {
  const { server, tool, argumentsForm, csrf, entered, refusal } = page;
  const problems = refusal?.kind === 'problems' ? refusal : undefined;
  return (
    <form method="post" action={startPath(base)} id="start" novalidate={entered.view === 'json'}>
      <CsrfField value={csrf} />
      <Hidden name="server" value={server.id} />
      <Hidden name="account" value={accountMember(server.account).account} />
      <Hidden name="tool" value={tool.name} />
      <Hidden name="stepId" value={entered.stepId} />
      <Hidden name="view" value={entered.view} />
      <Hidden name={MARK_INPUT} value={formMark({ view: entered.view, form: argumentsForm })} />
      <ArgumentsFields
        form={argumentsForm}
        values={entered.values}
        problems={problems?.arguments ?? []}
        view={entered.view}
      />
      <h2>The step</h2>
      <TextField
        name="title"
        label="Title"
        hint="What your lists call the step."
        value={entered.title}
        problem={problems?.title && problemSentence(problems.title)}
        hasFocus={problems?.title !== undefined && problems.arguments.length === 0}
        limits={{ maxlength: 255, placeholder: toolTitle(tool) }}
      />
      <Modes chosen={entered.mode} />
      <div class="actions">
        <button type="submit">Start step</button>
        {argumentsForm.kind === 'fields' && <SwitchView view={entered.view} />}
      </div>
    </form>
  );
}

function Hidden({ name, value }: { name: string; value: string | undefined }) {
  return value === undefined ? null : <input type="hidden" name={name} value={value} />;
}

const MODE_HINTS: Readonly<Record<StepMode, string>> = {
  'fully-automated': 'The tool is called at once.',
  'automated-with-confirmation':
    'You see the arguments first, may change them, and approve or reject the call.',
  'confirm-destructive': 'Only a tool that a trusted server marks as read-only is called without asking.',
};

function Modes({ chosen }: { chosen: StepMode }) {
  return (
    <fieldset>
      <legend>Approval</legend>
      {STEP_MODES.map((mode) => (
        <div class="check" key={mode}>
          <input
            type="radio"
            id={`mode.${mode}`}
            name="mode"
            value={mode}
            checked={mode === chosen}
            aria-describedby={`mode.${mode}-hint`}
          />
          <div>
            <label for={`mode.${mode}`}>{MODE_WORDS[mode]}</label>
            <p class="hint" id={`mode.${mode}-hint`}>
              {MODE_HINTS[mode]}
            </p>
          </div>
        </div>
      ))}
    </fieldset>
  );
}
