import { randomUUID } from 'node:crypto';
import { accountMember } from '../contracts/accounts.ts';
import { present } from '../contracts/present.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { fieldMessage } from '../schemas/field-message.ts';
import { singleLine } from '../schemas/text.ts';
import type { StartStepOutcome } from '../steps/start-step.ts';
import { TemporalUnavailable } from '../temporal/temporal-call.ts';
import { namesWithoutField } from '../web/arguments-form/fields-of.ts';
import type { ArgumentsForm, ArgumentsView, FormValues } from '../web/arguments-form/form-field.ts';
import { formMark, MARK_INPUT } from '../web/arguments-form/form-mark.ts';
import { valuesOf } from '../web/arguments-form/form-values.ts';
import { jsonOfTexts } from '../web/arguments-form/json-of-texts.ts';
import type { EnteredStep, Refusal } from '../web/start/arguments-page.tsx';
import { toolTitle } from '../web/start/tool-words.ts';
import type { Chosen } from './chosen-server.ts';
import type { HttpDependencies } from './dependencies.ts';
import { readEnteredArguments, UNCHECKED } from './entered-arguments.ts';

type Dependencies = Pick<HttpDependencies, 'argumentsChecker' | 'steps'>;

/** The form with which a step is started. */
export interface StartForm {
  chosen: Chosen;
  tool: ToolDescription;
  /** From the tool's input schema. */
  argumentsForm: ArgumentsForm;
  entered: EnteredStep;
}

/** Of the request that sends the form. */
type RequestId = { requestId: string };

const titleSchema = singleLine(255);

interface SentForm extends RequestId {
  form: StartForm;
  /** All fields of the request. */
  fields: FormValues;
  /** Show this view instead of starting the step. */
  switchTo: ArgumentsView | undefined;
}

export type StartOutcome =
  | { kind: 'started'; stepId: string }
  /** The form is shown again. */
  | { kind: 'shown'; status: number; entered: EnteredStep; refusal?: Refusal };

/** Starts the step that a person entered, or says how the form is shown again. */
export async function startEntered(deps: Dependencies, sent: SentForm): Promise<StartOutcome> {
  const { form, fields, switchTo } = sent;
  const { tool, argumentsForm, entered } = form;
  if (fields[MARK_INPUT] !== formMark({ view: entered.view, form: argumentsForm }))
    return shownAsChanged(form);
  if (switchTo === entered.view) return { kind: 'shown', status: 200, entered };
  const read = await readEnteredArguments(switchTo === undefined ? deps.argumentsChecker : UNCHECKED, {
    schema: tool.inputSchema,
    form: argumentsForm,
    fields,
    view: entered.view,
  });
  const titleProblem = titleProblemOf(entered.title);
  if (read.kind === 'refused' || (titleProblem !== undefined && switchTo === undefined)) {
    const problems = read.kind === 'refused' ? read.problems : [];
    const refusal: Refusal = { kind: 'problems', arguments: problems, title: titleProblem };
    return { kind: 'shown', status: 400, entered, refusal };
  }
  if (switchTo !== undefined) return switchView(form, read.arguments, switchTo);
  return start(deps, { ...form, requestId: sent.requestId }, read.arguments);
}

function shownAsChanged({ argumentsForm, entered }: StartForm): StartOutcome {
  const isForm = entered.view === 'form' && argumentsForm.kind === 'fields';
  const shown: EnteredStep = isForm
    ? entered
    : { ...entered, view: 'json', values: jsonOfTexts(entered.values) };
  return { kind: 'shown', status: 409, entered: shown, refusal: { kind: 'changed' } };
}

function titleProblemOf(title: string): string | undefined {
  if (title === '') return undefined;
  const parsed = titleSchema.safeParse(title, { error: fieldMessage });
  return parsed.success ? undefined : parsed.error.issues[0]?.message;
}

function switchView(
  { argumentsForm, entered }: StartForm,
  args: Record<string, unknown>,
  view: ArgumentsView,
): StartOutcome {
  const names = view === 'form' ? namesWithoutField(argumentsForm, args) : [];
  if (names.length > 0) {
    return { kind: 'shown', status: 200, entered, refusal: { kind: 'no-fields', names } };
  }
  const values = valuesOf(argumentsForm, args, view);
  return { kind: 'shown', status: 200, entered: { ...entered, view, values } };
}

async function start(
  { steps }: Dependencies,
  { chosen, tool, entered, requestId }: StartForm & RequestId,
  args: Record<string, unknown>,
): Promise<StartOutcome> {
  const { stepId, title, mode } = entered;
  const outcome = await orUnavailable(
    steps.start(
      {
        userId: chosen.key.userId,
        mcpServerId: chosen.server.id,
        ...accountMember(chosen.server.account),
        tool: tool.name,
        arguments: args,
        stepId,
        ...present({ title: title === '' ? titleOfTool(tool) : title }),
        mode,
      },
      { requestId },
    ),
  );
  switch (outcome.kind) {
    case 'started':
    case 'existing':
      return { kind: 'started', stepId };
    case 'conflict': {
      const refusal: Refusal = { kind: 'started-before', stepId };
      return { kind: 'shown', status: 409, entered: { ...entered, stepId: randomUUID() }, refusal };
    }
    case 'unavailable':
      return { kind: 'shown', status: 503, entered, refusal: { kind: 'unavailable' } };
    default:
      return outcome satisfies never;
  }
}

/** The title of a step that a person gave none: what the server calls the tool, where it has more than a name. */
function titleOfTool(tool: ToolDescription): string | undefined {
  const title = toolTitle(tool);
  return title === tool.name || titleProblemOf(title) !== undefined ? undefined : title;
}

// Retries send the same stepId, so one step is started.
async function orUnavailable(
  starting: Promise<StartStepOutcome>,
): Promise<StartStepOutcome | { kind: 'unavailable' }> {
  try {
    return await starting;
  } catch (error) {
    if (error instanceof TemporalUnavailable) return { kind: 'unavailable' };
    throw error;
  }
}
