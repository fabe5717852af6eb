import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ApproveStep, RejectStep, ResolveStep } from '../../contracts/messages.ts';
import type { StepView } from '../../contracts/step.ts';
import {
  approveSchema,
  rejectSchema,
  resolvedManySchema,
  resolveManySchema,
  resolveSchema,
  stepParamsSchema,
  stepSchema,
} from '../../schemas/http-step.ts';
import type { DecisionOutcome } from '../../steps/send-decision.ts';
import type { StepDecision } from '../../steps/step-decisions.ts';
import { callerOf, requireAdmin } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { HttpProblem, invalidFields, retryAfter, unknownStep } from '../problem.ts';

type Steps = HttpDependencies['steps'];

const schema = { tags: ['Steps'], params: stepParamsSchema, response: { 200: stepSchema } };
const config = { problems: [404, 409] };

/** Registers the routes by which people decide about paused steps. */
export function registerStepDecisions(api: HttpApp, { steps }: Pick<HttpDependencies, 'steps'>): void {
  registerApprove(api, steps);
  registerReject(api, steps);
  registerResolve(api, steps);
  registerResolveMany(api, steps);
}

function registerApprove(api: HttpApp, steps: Steps): void {
  api.post('/steps/:stepId/approve', {
    schema: {
      ...schema,
      operationId: 'approveStep',
      summary: 'Approve a step, optionally with other arguments',
      body: approveSchema.nullable(),
    },
    config,
    handler: async (request) => {
      const message = asMessage<ApproveStep>(request.body);
      const decision = { ...deciderOf(request), stepId: request.params.stepId, message };
      return applied(await steps.approve(decision), 'arguments');
    },
  });
}

function registerReject(api: HttpApp, steps: Steps): void {
  api.post('/steps/:stepId/reject', {
    schema: {
      ...schema,
      operationId: 'rejectStep',
      summary: 'Reject a step. It ends as skipped',
      body: rejectSchema.nullable(),
    },
    config,
    handler: async (request) => {
      const message = asMessage<RejectStep>(request.body);
      const decision = { ...deciderOf(request), stepId: request.params.stepId, message };
      return applied(await steps.reject(decision));
    },
  });
}

function registerResolve(api: HttpApp, steps: Steps): void {
  api.post('/steps/:stepId/resolve', {
    schema: {
      ...schema,
      operationId: 'resolveStep',
      summary: 'Decide the outcome of a call whose outcome is unknown',
      body: resolveSchema,
    },
    config,
    handler: async (request) => {
      const message = resolutionOf(request.body);
      const decision = { ...deciderOf(request), stepId: request.params.stepId, message };
      return applied(await steps.resolve(decision));
    },
  });
}

function registerResolveMany(api: HttpApp, steps: Steps): void {
  api.post('/steps/resolve-many', {
    schema: {
      operationId: 'resolveManySteps',
      summary: "Resolve all of a server's steps whose outcome is unknown",
      description: 'Resolves the steps of all users that were created between `from` and `to`.',
      tags: ['Steps'],
      body: resolveManySchema,
      response: { 200: resolvedManySchema },
    },
    config: { problems: [403] },
    onRequest: requireAdmin,
    handler: async (request) => {
      const { mcpServerId, from, to, ...resolution } = request.body;
      const many = { mcpServerId, from: new Date(from), to: new Date(to) };
      const { by } = deciderOf(request);
      return steps.resolveMany({ ...many, resolution: resolutionOf(resolution), by });
    },
  });
}

/** Users decide about their own steps. A decision of a service that acts for its user is the user's. */
function deciderOf(request: FastifyRequest): Pick<StepDecision, 'userId' | 'actedBy'> & { by: string } {
  const { userId, actedBy } = callerOf(request);
  return { userId, by: userId, ...(actedBy !== undefined && { actedBy }) };
}

/** The body may be missing if the message has no required fields. */
// The casts drop `| undefined` from optional fields, because JSON has no such value.
function asMessage<T>(body: FastifyRequest['body']): T {
  return (body ?? {}) as T;
}

function resolutionOf(body: z.output<typeof resolveSchema>): ResolveStep {
  return body as ResolveStep;
}

/** @param field the field of the body that an `invalid` outcome is about */
function applied(outcome: DecisionOutcome, field = ''): StepView {
  switch (outcome.kind) {
    case 'applied':
      return outcome.step;
    case 'not-found':
      throw unknownStep();
    case 'invalid':
      throw invalidFields([{ path: field, message: outcome.message }]);
    case 'not-waiting':
      throw new HttpProblem(409, 'not-waiting', 'The step is not waiting for this decision.');
    case 'unchecked':
      throw new HttpProblem(503, 'arguments-unchecked', outcome.message);
    case 'too-many':
      throw new HttpProblem(429, 'too-many-requests', 'Too many edits of this step were refused.', {
        headers: retryAfter(outcome.retryAfterMs),
      });
    case 'no-worker':
      throw new HttpProblem(503, 'no-worker', 'No worker answered in time. It may still apply.');
    default:
      return outcome satisfies never;
  }
}
