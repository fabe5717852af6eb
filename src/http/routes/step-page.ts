import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { MemoryBudget } from '../../async/memory-budget.ts';
import { createTurns } from '../../turns/turns.ts';
import { writeJson } from '../../turns/write-json.ts';
import { asSentence } from '../../web/as-sentence.ts';
import type { HttpApp } from '../dependencies.ts';
import { admitResult } from '../plugins/admit-result.ts';
import { HttpProblem, retryAfter, unknownStep } from '../problem.ts';
import { sendFile } from './step-content.ts';
import {
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

/** Registers the page of a step, and the download of its result. A form's address, opened as a page, leads to the step. */
export function registerStepPage(app: HttpApp, deps: StepPageDependencies & { results: MemoryBudget }): void {
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
      unlessUnreachable(request, reply, async ({ stepId }) =>
        reply.redirect(stepLocation(request, stepId), 303),
      ),
  });
  registerResult(app, deps);
}

function registerResult(
  app: HttpApp,
  { steps, results }: Pick<StepPageDependencies, 'steps'> & { results: MemoryBudget },
): void {
  const turns = createTurns();
  app.get('/step/:stepId/result', {
    schema: { hide: true, params: paramsSchema },
    handler: (request: FastifyRequest<{ Params: { stepId: string } }>, reply: FastifyReply) =>
      unlessUnreachable(request, reply, async (key) => {
        const admit = admitResult(results, reply, key.userId);
        const step = await steps.get({ ...key, admit });
        if (step === undefined) throw unknownStep();
        if (step.result === undefined) throw new HttpProblem(404, 'not-found', 'This step has no result.');
        if (step.result.stored !== undefined) throw resultUnreadable(step.result.warnings);
        const bytes = await turns.take(writeJson(step.result));
        return sendFile(reply, { bytes, type: 'application/json', name: `step-${key.stepId}.json` });
      }),
  });
}

/** Deleted or undecryptable results have a warning that says so. Others may be readable with the next request. */
function resultUnreadable([warning]: readonly string[] = []): HttpProblem {
  if (warning !== undefined) return new HttpProblem(404, 'not-found', asSentence(warning));
  return new HttpProblem(503, 'database-unavailable', 'The result can’t be read at the moment.', {
    headers: retryAfter(RETRY_AFTER_MS),
  });
}
