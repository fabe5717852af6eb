import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { StepKey } from '../../steps/read-step.ts';
import type { DecisionOutcome } from '../../steps/send-decision.ts';
import { MARK_INPUT } from '../../web/arguments-form/form-mark.ts';
import { argumentsIn, readArguments } from '../../web/arguments-form/read-arguments.ts';
import type { ApprovalForm } from '../../web/step/decision-input.ts';
import { SAID } from '../../web/step/said.tsx';
import { argumentsToApprove } from '../../web/step/step-page-data.ts';
import { withComplaints } from '../entered-arguments.ts';
import { type ReadStepPage, readStepPage, type StepPageDependencies } from './step-page-reading.ts';

export type Decided =
  | { kind: 'sent'; outcome: DecisionOutcome; said: string }
  /** The page is shown again with what was entered. */
  | { kind: 'refused'; status: number; page: ReadStepPage };

type Form = Readonly<Record<string, string>>;

const viewSchema = z.enum(['form', 'json']).optional().catch(undefined);

/**
 * Approves a step with the arguments that the form holds. Unchanged arguments are approved without an edit, which needs
 * no check. Changed ones are checked here, to show what is wrong at its field, and again by a worker.
 */
export async function approveFromForm(
  deps: StepPageDependencies,
  key: StepKey,
  body: Form,
): Promise<Decided> {
  const view = viewSchema.parse(body.view);
  if (view === undefined) return send(deps, key, {});
  const page = await readStepPage(deps, key, view);
  const { approval } = page;
  const original = argumentsToApprove(page.data);
  if (approval === undefined || original === undefined) return notEditable(page);
  const again = refuser(page, approval, body);
  // The form was made with another schema or for other arguments, so its fields can't be read.
  if (approval.view !== view && approval.schema === undefined)
    return again({ status: 503, notice: UNREADABLE, isReset: true });
  if (approval.mark !== body[MARK_INPUT]) return again({ status: 409, notice: CHANGED, isReset: true });
  const read = await readArguments(approval.schema, body, view, original);
  if (read.kind === 'refused') {
    const complaints = await findProblems(deps, approval, read.readable ?? original);
    return again({ problems: withComplaints(read, complaints).problems });
  }
  if (isDeepStrictEqual(read.arguments, original)) return send(deps, key, {});
  const problems = await findProblems(deps, approval, read.arguments);
  if (problems.length > 0) return again({ problems });
  const sent = await send(deps, key, { arguments: read.arguments });
  return sent.kind === 'sent' ? shownAgain(sent, again) : sent;
}

async function send(
  { steps }: Pick<StepPageDependencies, 'steps'>,
  key: StepKey,
  message: { arguments?: Record<string, unknown> },
): Promise<Decided> {
  const outcome = await steps.approve({ ...key, by: key.userId, message });
  return { kind: 'sent', outcome, said: SAID.approved };
}

const UNREADABLE =
  'What the tool accepts can’t be read now, so the form could not be used. Nothing was decided. The arguments are shown as they were.';

const ARGUMENTS_UNREADABLE =
  'The arguments can’t be read now, so nothing was approved. Try again in a moment.';

const CHANGED =
  'What the step asks has changed since you opened this page. Nothing was decided. Look at the arguments again.';

/** The step waits for no approval any more, or its arguments can't be read now, which the page says. */
function notEditable(page: ReadStepPage): Decided {
  if (page.data.step.awaitingInputReason === 'needs-approval') {
    return { kind: 'refused', status: 503, page: { ...page, refused: { approval: ARGUMENTS_UNREADABLE } } };
  }
  const outcome = { kind: 'not-waiting', message: 'the step does not wait for an approval' } as const;
  return { kind: 'sent', outcome, said: SAID.late };
}

interface Refusal {
  status?: number;
  notice?: string;
  problems?: ApprovalForm['problems'];
  /** The form begins again with the step's own arguments. */
  isReset?: boolean;
}

type Again = (refusal: Refusal) => Decided;

function refuser(page: ReadStepPage, approval: ApprovalForm, body: Form): Again {
  return ({ status = 400, notice, problems = [], isReset = false }) => {
    const values = isReset ? approval.values : argumentsIn(body);
    return {
      kind: 'refused',
      status,
      page: { ...page, approval: { ...approval, values, problems, notice } },
    };
  };
}

async function findProblems(
  { argumentsChecker }: Pick<StepPageDependencies, 'argumentsChecker'>,
  { schema }: ApprovalForm,
  args: Record<string, unknown>,
): Promise<ApprovalForm['problems']> {
  if (schema === undefined) return [];
  const found = await argumentsChecker.findProblems(schema, args);
  return found.kind === 'invalid' ? found.problems : [];
}

/** Shows the form again where the worker's check refuses the edit. */
function shownAgain(sent: Extract<Decided, { kind: 'sent' }>, again: Again): Decided {
  const { outcome } = sent;
  switch (outcome.kind) {
    case 'invalid':
      return again({ problems: [{ path: [], message: outcome.message }] });
    case 'unchecked':
      return again({
        status: 503,
        notice: `The changed arguments can’t be checked now: ${outcome.message}. The step still waits.`,
      });
    case 'too-many':
      return again({
        status: 429,
        notice: 'Too many changes of this step were refused within a minute. Wait a minute, then try again.',
      });
    default:
      return sent;
  }
}
