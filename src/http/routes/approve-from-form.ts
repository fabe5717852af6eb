import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ApproveStep } from '../../contracts/messages.ts';
import type { StepKey } from '../../steps/read-step.ts';
import type { DecisionOutcome } from '../../steps/send-decision.ts';
import { namesWithoutField } from '../../web/arguments-form/fields-of.ts';
import type { ArgumentsView } from '../../web/arguments-form/form-field.ts';
import { MARK_INPUT } from '../../web/arguments-form/form-mark.ts';
import { valuesOf } from '../../web/arguments-form/form-values.ts';
import { argumentsIn } from '../../web/arguments-form/read-arguments.ts';
import type { ApprovalForm } from '../../web/step/decision-input.ts';
import { DECISION_NOTICES } from '../../web/step/decision-notice.tsx';
import { argumentsToApprove } from '../../web/step/step-page-data.ts';
import { readEnteredArguments, UNCHECKED } from '../entered-arguments.ts';
import {
  type Decided,
  pauseIn,
  type ReadStepPage,
  readStepPage,
  type StepPageDependencies,
} from './step-page-reading.ts';

type Body = Readonly<Record<string, string>>;

const viewSchema = z.enum(['form', 'json']).optional().catch(undefined);

/**
 * Approves a step with the arguments that the form holds, or shows them in the other view (`switchTo`). Unchanged
 * arguments are approved without an edit, which needs no check. Changed ones are checked here, to show what is wrong at
 * its field, and again by a worker.
 */
export async function approveFromForm(
  deps: StepPageDependencies,
  key: StepKey,
  body: Body,
): Promise<Decided> {
  const view = viewSchema.parse(body.view);
  if (view === undefined) return send(deps, key, pauseIn(body));
  const page = await readStepPage(deps, key, view);
  const { approval } = page;
  const original = argumentsToApprove(page.data);
  if (approval === undefined || original === undefined) return notEditable(page);
  // The form was made with another schema or for other arguments, so its fields can't be read.
  const isUnreadable = approval.view !== view && approval.schema === undefined;
  if (isUnreadable) return shownAgain(page, { ...approval, notice: UNREADABLE }, 503);
  if (approval.mark !== body[MARK_INPUT]) return shownAgain(page, { ...approval, notice: CHANGED }, 409);
  return approveEntered(deps, key, {
    page,
    approval: { ...approval, values: argumentsIn(body) },
    original,
    body,
  });
}

/** A form that was made for the step's current question. */
interface CurrentForm {
  page: ReadStepPage;
  /** With the values that were entered. */
  approval: ApprovalForm;
  /** The arguments that the form was made from. */
  original: Record<string, unknown>;
  body: Body;
}

async function approveEntered(deps: StepPageDependencies, key: StepKey, form: CurrentForm): Promise<Decided> {
  const { page, approval, original, body } = form;
  const switchTo = viewSchema.parse(body.switchTo);
  const read = await readEnteredArguments(switchTo === undefined ? deps.argumentsChecker : UNCHECKED, {
    schema: approval.schema,
    form: approval.form,
    fields: body,
    view: approval.view,
    original,
  });
  if (read.kind === 'refused') return shownAgain(page, { ...approval, problems: read.problems }, 400);
  if (switchTo !== undefined) return switchView(deps, key, form, { args: read.arguments, view: switchTo });
  if (isDeepStrictEqual(read.arguments, original)) return send(deps, key, pauseIn(body));
  const sent = await send(deps, key, { ...pauseIn(body), arguments: read.arguments });
  const refusal = refusalOf(sent.outcome);
  return refusal === undefined ? sent : shownAgain(page, { ...approval, ...refusal.shown }, refusal.status);
}

/** Shows the entered arguments in the other view. Decides nothing. */
async function switchView(
  deps: StepPageDependencies,
  key: StepKey,
  { page, approval, original }: CurrentForm,
  { args, view }: { args: Record<string, unknown>; view: ArgumentsView },
): Promise<Decided> {
  const names = view === 'form' ? namesWithoutField(approval.form, args, original) : [];
  if (names.length > 0) {
    const notice = `The form has no field for ${names.join(', ')}, so the arguments stay JSON.`;
    return shownAgain(page, { ...approval, notice }, 200);
  }
  const other = await readStepPage(deps, key, view);
  if (other.approval === undefined) return notEditable(other);
  const values = valuesOf(other.approval.form, args, other.approval.view);
  return shownAgain(other, { ...other.approval, values }, 200);
}

async function send(
  { steps }: Pick<StepPageDependencies, 'steps'>,
  key: StepKey,
  message: ApproveStep,
): Promise<Extract<Decided, { kind: 'sent' }>> {
  const outcome = await steps.approve({ ...key, by: key.userId, message });
  return { kind: 'sent', outcome, said: DECISION_NOTICES.approved };
}

const UNREADABLE =
  'What the tool accepts can’t be read now, so the form could not be used. Nothing was decided. The arguments are shown as they were.';

const ARGUMENTS_UNREADABLE =
  'The arguments can’t be read now, so nothing was approved. Try again in a moment.';

const CHANGED =
  'What the step asks has changed since you opened this page. Nothing was decided. Look at the arguments again.';

const LATE: Decided = {
  kind: 'sent',
  outcome: { kind: 'not-waiting', message: 'the step waits for no approval' },
  said: DECISION_NOTICES.late,
};

/** The step waits for no approval any more, or its arguments can't be read now, which the page says. */
function notEditable(page: ReadStepPage): Decided {
  if (page.data.step.awaitingInputReason !== 'needs-approval') return LATE;
  return { kind: 'shown', status: 503, page: { ...page, refused: { approval: ARGUMENTS_UNREADABLE } } };
}

function shownAgain(page: ReadStepPage, approval: ApprovalForm, status: number): Decided {
  return { kind: 'shown', status, page: { ...page, approval } };
}

interface Refusal {
  status: number;
  shown: Pick<ApprovalForm, 'notice'> | Pick<ApprovalForm, 'problems'>;
}

/** How the form is shown again where the worker refuses the edit. Undefined: it was not refused. */
function refusalOf(outcome: DecisionOutcome): Refusal | undefined {
  switch (outcome.kind) {
    case 'invalid':
      return { status: 400, shown: { problems: [{ path: [], message: outcome.message }] } };
    case 'unchecked':
      return {
        status: 503,
        shown: {
          notice: `The changed arguments can’t be checked now: ${outcome.message}. The step still waits.`,
        },
      };
    case 'too-many':
      return {
        status: 429,
        shown: {
          notice:
            'Too many changes of this step were refused within a minute. Wait a minute, then try again.',
        },
      };
    default:
      return undefined;
  }
}
