import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ResolveStep } from '../../contracts/messages.ts';
import type { StepKey } from '../../steps/read-step.ts';
import type { DecisionOutcome } from '../../steps/send-decision.ts';
import { DECISION_NOTICES } from '../../web/step/decision-notice.tsx';
import type { HttpApp } from '../dependencies.ts';
import { assertForm } from '../plugins/browser.ts';
import { MAX_ARGUMENTS_FORM_BYTES } from '../plugins/form-body.ts';
import { invalidRequest, unknownStep } from '../problem.ts';
import { approveFromForm } from './approve-from-form.ts';
import {
  type Decided,
  pauseIn,
  readStepPage,
  type StepPageDependencies,
  sendStepPage,
  stepLocation,
  unlessUnreachable,
} from './step-page-reading.ts';

const params = z.object({ stepId: z.string() });
/** web/step/pause-field.tsx */
const pause = z.string().max(64).optional();
/** The longest reason or result text, percent-encoded. */
const TEXT_BYTES = 128 * 1024;
const MAX_REASON = 2_048;
const MAX_RESULT_TEXT = 10_000;

/** Registers the forms of a step's page: approve, reject, resolve and cancel. */
export function registerStepPageDecisions(app: HttpApp, deps: StepPageDependencies): void {
  registerApprove(app, deps);
  registerReject(app, deps);
  registerResolve(app, deps);
  registerCancel(app, deps);
}

function registerApprove(app: HttpApp, deps: StepPageDependencies): void {
  app.post('/step/:stepId/approve', {
    schema: { hide: true, params, body: z.record(z.string(), z.string()) },
    bodyLimit: MAX_ARGUMENTS_FORM_BYTES,
    preValidation: assertForm,
    handler: (request, reply) =>
      unlessUnreachable(request, reply, async (key) =>
        answer(request, reply, key, await approveFromForm(deps, key, request.body)),
      ),
  });
}

function registerReject(app: HttpApp, deps: StepPageDependencies): void {
  app.post('/step/:stepId/reject', {
    schema: { hide: true, params, body: z.strictObject({ pause, reason: z.string().optional() }) },
    bodyLimit: TEXT_BYTES,
    preValidation: assertForm,
    handler: (request, reply) =>
      unlessUnreachable(request, reply, async (key) => {
        const reason = (request.body.reason ?? '').trim();
        if (reason.length > MAX_REASON) {
          const page = await readStepPage(deps, key, 'form');
          const refused = { reason: { text: reason, problem: tooLong(MAX_REASON) } };
          return sendStepPage(request, reply, 400, { ...page, refused });
        }
        const message = { ...pauseIn(request.body), ...(reason !== '' && { reason }) };
        const outcome = await deps.steps.reject({ ...key, by: key.userId, message });
        return answer(request, reply, key, { kind: 'sent', outcome, said: DECISION_NOTICES.rejected });
      }),
  });
}

const resolveSchema = z.strictObject({
  pause,
  action: z.enum(['retry', 'succeed', 'fail']),
  text: z.string().optional(),
});

function registerResolve(app: HttpApp, deps: StepPageDependencies): void {
  app.post('/step/:stepId/resolve', {
    schema: { hide: true, params, body: resolveSchema },
    bodyLimit: TEXT_BYTES,
    preValidation: assertForm,
    handler: (request, reply) =>
      unlessUnreachable(request, reply, async (key) => {
        const { action, text = '' } = request.body;
        if (text.length > MAX_RESULT_TEXT) {
          const page = await readStepPage(deps, key, 'form');
          const refused = { resultText: { text, problem: tooLong(MAX_RESULT_TEXT) } };
          return sendStepPage(request, reply, 400, { ...page, refused });
        }
        const message = { ...pauseIn(request.body), ...resolution(action, text) };
        const outcome = await deps.steps.resolve({ ...key, by: key.userId, message });
        return answer(request, reply, key, { kind: 'sent', outcome, said: DECISION_NOTICES.resolved });
      }),
  });
}

function registerCancel(app: HttpApp, { steps }: StepPageDependencies): void {
  app.post('/step/:stepId/cancel', {
    schema: { hide: true, params, body: z.strictObject({}) },
    preValidation: assertForm,
    handler: (request, reply) =>
      unlessUnreachable(request, reply, async (key) => {
        if (!(await steps.cancel(key))) throw unknownStep();
        return reply.redirect(stepLocation(request, key.stepId, DECISION_NOTICES.cancelling), 303);
      }),
  });
}

function resolution(action: ResolveStep['action'], text: string): ResolveStep {
  if (action !== 'succeed' || text.trim() === '') return { action };
  return { action, result: { content: [{ type: 'text', text: text.replaceAll('\r\n', '\n') }] } };
}

function tooLong(max: number): string {
  return `This is too long: at most ${max} characters.`;
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { stepId }: StepKey,
  decided: Decided,
): FastifyReply {
  if (decided.kind === 'shown') return sendStepPage(request, reply, decided.status, decided.page);
  const said = saidAfter(decided.outcome, decided.said);
  return reply.redirect(stepLocation(request, stepId, said), 303);
}

function saidAfter(outcome: DecisionOutcome, applied: string): string {
  switch (outcome.kind) {
    case 'applied':
      return applied;
    case 'not-waiting':
      return DECISION_NOTICES.late;
    case 'no-worker':
      return DECISION_NOTICES.unanswered;
    case 'not-found':
      throw unknownStep();
    // Only of an approval, which shows its form again.
    case 'invalid':
    case 'unchecked':
    case 'too-many':
      throw invalidRequest(outcome.message);
    default:
      return outcome satisfies never;
  }
}
