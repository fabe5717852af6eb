import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { STEP_MODES } from '../../contracts/step.ts';
import { idSchema, stepIdSchema } from '../../schemas/id.ts';
import { fieldsOf } from '../../web/arguments-form/fields-of.ts';
import {
  type ArgumentsForm,
  type ArgumentsView,
  type FormValues,
  JSON_INPUT,
} from '../../web/arguments-form/form-field.ts';
import { firstValues } from '../../web/arguments-form/form-values.ts';
import { argumentsIn } from '../../web/arguments-form/read-arguments.ts';
import { stepPath } from '../../web/paths.ts';
import { type ArgumentsPage, argumentsPage, type EnteredStep } from '../../web/start/arguments-page.tsx';
import { chooseServer, type StartDependencies, sendNoTools, sendUnknownServer } from '../chosen-server.ts';
import type { HttpApp } from '../dependencies.ts';
import { assertForm, csrfField, findBrowser } from '../plugins/browser.ts';
import { MAX_ARGUMENTS_FORM_BYTES } from '../plugins/form-body.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { type StartForm, startEntered } from '../start-entered-step.ts';

const bodySchema = z.looseObject({
  server: z.string().max(1_024),
  account: z.string().max(1_024).optional(),
  tool: idSchema,
  stepId: stepIdSchema,
  view: z.enum(['form', 'json']),
  switchTo: z.enum(['form', 'json']).optional(),
  mode: z.enum(STEP_MODES),
  title: z.string().default(''),
});

/** Registers the form that starts a step. */
export function registerStartForm(app: HttpApp, deps: StartDependencies, publicUrl: string): void {
  app.post('/start', {
    schema: { hide: true, body: bodySchema },
    bodyLimit: MAX_ARGUMENTS_FORM_BYTES,
    preValidation: assertForm,
    handler: async (request, reply) => {
      const { session } = findBrowser(request);
      if (session === undefined) return redirectToSignIn(request, reply);
      const { body } = request;
      const chosen = await chooseServer(deps, session.userId, { id: body.server, account: body.account });
      if (chosen === undefined) return sendUnknownServer(request, reply, body.server);
      const found = await deps.tools.find(chosen.key, body.tool);
      const fields = textsOf(body);
      if (found.kind === 'unavailable') {
        const sent = { csrf: csrfField(request, reply), fields };
        return sendNoTools(request, reply, { server: chosen.server, why: found.why, sent });
      }
      const { tool } = found;
      const argumentsForm = fieldsOf(tool.inputSchema);
      const form: StartForm = { chosen, tool, argumentsForm, entered: enteredStep(body, fields) };
      const outcome = await startEntered(deps, {
        form,
        fields,
        switchTo: body.switchTo,
        requestId: request.id,
      });
      if (outcome.kind === 'started') return reply.redirect(stepPath(publicUrl, outcome.stepId), 303);
      return sendForm(request, reply, outcome.status, { ...form, ...outcome });
    },
  });
}

/** The form of a tool before anything was entered. */
export function emptyForm(argumentsForm: ArgumentsForm, view: ArgumentsView): EnteredStep {
  const isJson = view === 'json' || argumentsForm.kind === 'json';
  const values = isJson ? { [JSON_INPUT]: '{}' } : firstValues(argumentsForm);
  return {
    stepId: randomUUID(),
    view: isJson ? 'json' : 'form',
    values,
    title: '',
    mode: 'fully-automated',
  };
}

export function sendForm(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  {
    chosen,
    tool,
    argumentsForm,
    entered,
    refusal,
    before,
  }: StartForm & Pick<ArgumentsPage, 'refusal' | 'before'>,
): FastifyReply {
  const { server, isTrusted } = chosen;
  const csrf = csrfField(request, reply);
  const page = { server, tool, argumentsForm, isTrusted, csrf, entered, refusal, before };
  return sendPage(reply, status, argumentsPage(pageFrame(request, reply), page));
}

type Body = z.output<typeof bodySchema>;

function enteredStep({ stepId, view, title, mode }: Body, fields: FormValues): EnteredStep {
  return { stepId, view, title, mode, values: argumentsIn(fields) };
}

/** The fields of the form. A form body holds only texts. */
function textsOf(body: Body): FormValues {
  const texts = Object.entries(body).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}
