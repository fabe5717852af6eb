import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createTurns } from '../../turns/turns.ts';
import { writeJson } from '../../turns/write-json.ts';
import { asSentence } from '../../web/as-sentence.ts';
import { cancelPage } from '../../web/step/cancel-page.tsx';
import { hasEnded } from '../../web/step/step-page-data.ts';
import type { HttpApp } from '../dependencies.ts';
import { csrfField, findBrowser } from '../plugins/browser.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { HttpProblem, retryAfter, unknownStep } from '../problem.ts';
import { sendFile } from './step-content.ts';
import {
  assertStepId,
  readStepPage,
  type StepPageDependencies,
  sendStepPage,
  stepLocation,
  unlessUnreachable,
} from './step-page-reading.ts';

const RETRY_AFTER_MS = 5_000;

const paramsSchema = z.object({ stepId: z.string() });
const querySchema = z.object({
  view: z.enum(['form', 'json']).catch('form'),
  said: z.string().optional().catch(undefined),
});

/** Registers the page of a step, the page that asks again before it is cancelled, and the download of its result. */
export function registerStepPage(app: HttpApp, deps: StepPageDependencies): void {
  app.get('/step/:stepId', {
    schema: { hide: true, params: paramsSchema, querystring: querySchema },
    handler: (request, reply) =>
      unlessUnreachable(request, reply, async (step) => {
        const { view, said } = request.query;
        const page = await readStepPage(deps, step, view);
        return sendStepPage(request, reply, 200, { ...page, data: { ...page.data, said } });
      }),
  });
  app.get('/step/:stepId/cancel', {
    schema: { hide: true, params: paramsSchema },
    handler: (request, reply) =>
      unlessUnreachable(request, reply, async (key) => {
        const shown = await deps.steps.show({ ...key, maxStoredBytes: 0 });
        if (shown === undefined) throw unknownStep();
        if (hasEnded(shown.step)) return reply.redirect(stepLocation(request, key.stepId), 303);
        const csrf = csrfField(request, reply);
        return sendPage(reply, 200, cancelPage(pageFrame(request, reply), { step: shown.step, csrf }));
      }),
  });
  registerResult(app, deps);
}

function registerResult(app: HttpApp, { steps }: Pick<StepPageDependencies, 'steps'>): void {
  const turns = createTurns();
  app.get('/step/:stepId/result', {
    schema: { hide: true, params: paramsSchema },
    handler: async (request: FastifyRequest<{ Params: { stepId: string } }>, reply: FastifyReply) => {
      const { session } = findBrowser(request);
      if (session === undefined) return redirectToSignIn(request, reply);
      const stepId = assertStepId(request.params.stepId);
      const step = await steps.get({ userId: session.userId, stepId });
      if (step === undefined) throw unknownStep();
      if (step.result === undefined) throw new HttpProblem(404, 'not-found', 'This step has no result.');
      if (step.result.stored !== undefined) {
        throw resultUnreadable(step.result.warnings);
      }
      const bytes = await turns.take(writeJson(step.result));
      return sendFile(reply, { bytes, type: 'application/json', name: `step-${stepId}.json` });
    },
  });
}

/** Deleted or undecryptable results have a warning that says so. Others may be readable with the next request. */
function resultUnreadable([warning]: readonly string[] = []): HttpProblem {
  if (warning !== undefined) return new HttpProblem(404, 'not-found', asSentence(warning));
  return new HttpProblem(503, 'database-unavailable', 'The result can’t be read at the moment.', {
    headers: retryAfter(RETRY_AFTER_MS),
  });
}
