import type { z } from 'zod';
import { present } from '../../contracts/present.ts';
import { listAllStepsQuerySchema, type ownedStepSchema, ownedStepsSchema } from '../../schemas/http-admin.ts';
import { canHaveReason, type ListAllSteps, type ListedStep } from '../../steps/list-all-steps.ts';
import { auditContentRead } from '../audit-reading.ts';
import { callerOf, requireAdmin } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { invalidFields } from '../problem.ts';

export function registerAdminSteps(
  api: HttpApp,
  { steps, audit }: Pick<HttpDependencies, 'steps' | 'audit'>,
): void {
  api.get('/admin/steps', {
    schema: {
      operationId: 'listAllSteps',
      summary: 'List the steps of all users: open ones first, then the latest ended',
      description:
        'Arguments, results, titles and texts of errors need the scope latchkey:admin:content; showing them is recorded in the audit log.',
      tags: ['Operations (admin)'],
      querystring: listAllStepsQuerySchema,
      response: { 200: ownedStepsSchema },
    },
    config: { problems: [403] },
    onRequest: requireAdmin,
    handler: async (request) => {
      const { seesContent: withContent = false } = callerOf(request);
      const { steps: found, ...more } = await steps.listAll({ ...checked(request.query), withContent });
      if (withContent) await auditContentRead(audit, request, 'steps', found);
      return { steps: found.map((step) => (withContent ? stepWithContent(step) : stepBody(step))), ...more };
    },
  });
}

/** @throws HttpProblem 400 if no step of this status has this reason */
export function checked(query: z.output<typeof listAllStepsQuerySchema>): ListAllSteps {
  const { status, reason } = query;
  if (status !== undefined && reason !== undefined && !canHaveReason(status, reason)) {
    throw invalidFields([{ path: 'reason', message: 'is of no step with this status' }]);
  }
  return query;
}

type StepBody = z.output<typeof ownedStepSchema>;

/** Picks the fields by name, so that no content is shown that is added later. */
function stepBody(step: ListedStep): StepBody {
  return {
    userId: step.userId,
    stepId: step.stepId,
    workflowId: step.workflowId,
    mcpServerId: step.mcpServerId,
    account: step.account,
    tool: step.tool,
    mode: step.mode,
    status: step.status,
    ...present({
      kind: step.kind,
      awaitingInputReason: step.awaitingInputReason,
      requiredScopes: step.requiredScopes && [...step.requiredScopes],
      connectionReason: step.connectionReason,
      error: step.error && { code: step.error.code },
    }),
    createdAt: step.createdAt,
    updatedAt: step.updatedAt,
  };
}

function stepWithContent(step: ListedStep): StepBody {
  const { title, error, content: { leftOut: contentLeftOut, ...content } = {} } = step;
  return { ...stepBody(step), ...present({ title, error, ...content, contentLeftOut }) };
}
