import type { FastifyReply, FastifyRequest } from 'fastify';
import { isWithin } from '../../contracts/json-size.ts';
import type { StepView, ToolDescription } from '../../contracts/step.ts';
import type { ShownStep } from '../../steps/show-step.ts';
import { fieldsOf, namesWithoutField } from '../../web/arguments-form/fields-of.ts';
import type { ArgumentsForm, ArgumentsView } from '../../web/arguments-form/form-field.ts';
import { valuesOf } from '../../web/arguments-form/form-values.ts';
import type { EnteredStep, StepBefore } from '../../web/start/arguments-page.tsx';
import { toolTitle } from '../../web/start/tool-words.ts';
import { chooseServer, type StartDependencies, sendNoTools, sendUnknownServer } from '../chosen-server.ts';
import { unknownStep } from '../problem.ts';
import { emptyForm, sendForm } from './start-form.ts';
import { assertStepId } from './step-page-reading.ts';

interface Asked {
  userId: string;
  stepId: string;
  view: ArgumentsView;
}

/**
 * Shows the form of a step's tool, filled in with what that step was started with. The address names only the step, so
 * arguments of any size and any content stay out of it.
 *
 * @throws HttpProblem 404 for a step that the user does not have
 */
export async function showFormAgain(
  deps: StartDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { userId, stepId, view }: Asked,
): Promise<FastifyReply> {
  const shown = await deps.steps.show({ userId, stepId: assertStepId(stepId), maxStoredBytes: 0 });
  if (shown === undefined) throw unknownStep();
  const { mcpServerId, account, tool } = shown.step;
  const chosen = await chooseServer(deps, userId, { id: mcpServerId, account });
  if (chosen === undefined) return sendUnknownServer(request, reply, mcpServerId);
  const found = await deps.tools.find(chosen.key, tool);
  if (found.kind === 'unavailable') {
    return sendNoTools(request, reply, { server: chosen.server, why: found.why, again: stepId });
  }
  const argumentsForm = fieldsOf(found.tool.inputSchema);
  const { entered, lack } = filledForm({ tool: found.tool, argumentsForm }, shown, view);
  const before: StepBefore = { step: shown.step, ...(lack !== undefined && { lack }) };
  return sendForm(request, reply, 200, { chosen, tool: found.tool, argumentsForm, entered, before });
}

/** Characters of arguments that are filled in. Percent-encoded, they fit the form (`MAX_ARGUMENTS_FORM_BYTES`). */
const MAX_CHARACTERS = 100_000;

function filledForm(
  { tool, argumentsForm }: { tool: ToolDescription; argumentsForm: ArgumentsForm },
  { step, arguments: args }: ShownStep,
  asked: ArgumentsView,
): { entered: EnteredStep; lack?: NonNullable<StepBefore['lack']> } {
  const entered = { ...emptyForm(argumentsForm, asked), title: ownTitle(step, tool), mode: step.mode };
  if (args === undefined) return { entered, lack: 'unreadable' };
  if (!isWithin(args, MAX_CHARACTERS)) return { entered, lack: 'too-large' };
  const hasFields = argumentsForm.kind === 'fields';
  const view = hasFields && namesWithoutField(argumentsForm, args).length === 0 ? asked : 'json';
  return { entered: { ...entered, view, values: valuesOf(argumentsForm, args, view) } };
}

/** The title that a person gave the step. A step without one is called as its tool. */
function ownTitle({ title = '' }: StepView, tool: ToolDescription): string {
  return title === toolTitle(tool) ? '' : title;
}
