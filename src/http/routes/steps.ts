import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { MemoryBudget } from '../../async/memory-budget.ts';
import { parseDuration } from '../../contracts/durations.ts';
import { present } from '../../contracts/present.ts';
import type { StepRequest, StepView } from '../../contracts/step.ts';
import {
  listStepsQuerySchema,
  stepParamsSchema,
  stepQuerySchema,
  stepSchema,
  stepsSchema,
} from '../../schemas/http-step.ts';
import { stepRequestSchema } from '../../schemas/step.ts';
import type { StartStepOutcome } from '../../steps/start-step.ts';
import { auditActing } from '../audit-acting.ts';
import { callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { admitResult } from '../plugins/admit-result.ts';
import { createLongPolls } from '../plugins/long-polls.ts';
import { HttpProblem, unknownServer, unknownStep } from '../problem.ts';

const tags = ['Steps'];

type StepsDependencies = Pick<HttpDependencies, 'steps' | 'servers' | 'audit'> & { results: MemoryBudget };

export function registerSteps(api: HttpApp, deps: StepsDependencies): void {
  registerStart(api, deps);
  registerShow(api, deps);
  registerList(api, deps.steps);
  registerCancel(api, deps.steps);
}

function registerStart(api: HttpApp, { steps, servers, results, audit }: StepsDependencies): void {
  api.post('/steps', {
    schema: {
      operationId: 'startStep',
      summary: 'Call a tool as a durable step',
      description:
        'The same stepId with the same request returns the same step, as long as Temporal retains it.',
      tags,
      body: stepRequestSchema,
      response: { 200: stepSchema, 202: stepSchema },
    },
    config: { problems: [404, 409] },
    handler: async (request, reply) => {
      // The cast drops `| undefined` from optional fields, because JSON has no such value.
      const body = request.body as StepRequest;
      const { userId } = callerOf(request);
      const admit = admitResult(results, reply, userId);
      if ((await servers.find(body.mcpServerId)) === undefined) throw unknownServer();
      const stepId = body.stepId ?? randomUUID();
      await auditActing(audit, request, 'step-requested', { mcpServerId: body.mcpServerId, stepId });
      const outcome = await steps.start({ ...body, userId, stepId }, { admit, requestId: request.id });
      if (outcome.kind === 'conflict') throw conflict();
      logStart(request, outcome);
      return reply
        .code(outcome.kind === 'started' ? 202 : 200)
        .header('location', `/steps/${stepId}`)
        .send(outcome.step);
    },
  });
}

function registerShow(api: HttpApp, { steps, results }: StepsDependencies): void {
  const polls = createLongPolls(api);
  api.get('/steps/:stepId', {
    schema: {
      operationId: 'getStep',
      summary: 'Show a step, optionally after its status has changed',
      tags,
      params: stepParamsSchema,
      querystring: stepQuerySchema,
      response: { 200: stepSchema },
    },
    config: { problems: [404] },
    handler: async (request, reply) => {
      const { userId } = callerOf(request);
      const key = { userId, stepId: request.params.stepId, admit: admitResult(results, reply, userId) };
      const { wait } = request.query;
      const step =
        wait === undefined
          ? await steps.get(key)
          : await waitForChange(steps, key, { wait, signal: polls.signalFor(reply) });
      if (step === undefined) throw unknownStep();
      return step;
    },
  });
}

/** With the line's request id, the request's step can be found, and with its workflow id what became of it. */
function logStart(
  { log }: FastifyRequest,
  { kind, step: { stepId, workflowId } }: Exclude<StartStepOutcome, { kind: 'conflict' }>,
): void {
  log.info({ stepId, workflowId }, kind === 'started' ? 'step started' : 'step asked for again');
}

async function waitForChange(
  steps: HttpDependencies['steps'],
  key: Parameters<HttpDependencies['steps']['get']>[0],
  { wait, signal }: { wait: string; signal: AbortSignal },
): Promise<StepView | undefined> {
  try {
    const timeoutMs = parseDuration(wait) ?? 0;
    const step = await steps.waitForChange({ ...key, timeoutMs, signal });
    if (!signal.aborted) return step;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  // The signal also aborts at a shutdown. The client is then still connected and gets the step's current state.
  return steps.get(key);
}

function registerList(api: HttpApp, steps: HttpDependencies['steps']): void {
  api.get('/steps', {
    schema: {
      operationId: 'listSteps',
      summary: 'List your steps: open ones first, then the latest ended',
      tags,
      querystring: listStepsQuerySchema,
      response: { 200: stepsSchema },
    },
    handler: async (request) => {
      const { limit, ...narrowed } = request.query;
      return steps.list({ userId: callerOf(request).userId, limit, ...present(narrowed) });
    },
  });
}

function registerCancel(api: HttpApp, steps: HttpDependencies['steps']): void {
  api.delete('/steps/:stepId', {
    schema: {
      operationId: 'cancelStep',
      summary: 'Cancel a step. A step that has ended does not change',
      tags,
      params: stepParamsSchema,
      response: { 202: z.undefined() },
    },
    config: { problems: [404] },
    handler: async (request, reply) => {
      const { userId, actedBy } = callerOf(request);
      const { stepId } = request.params;
      const isFound = await steps.cancel({ userId, stepId, ...(actedBy !== undefined && { actedBy }) });
      if (!isFound) throw unknownStep();
      return reply.code(202).send();
    },
  });
}

function conflict(): HttpProblem {
  return new HttpProblem(409, 'step-conflict', 'This stepId belongs to a step with another request.');
}
