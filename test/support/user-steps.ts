import type { ApproveStep, RejectStep, ResolveStep } from '../../src/contracts/messages.ts';
import type { ListStepsOptions } from '../../src/steps/list-steps.ts';
import type { ResolveMany } from '../../src/steps/resolve-many.ts';
import type { StepClient } from '../../src/steps/step-client.ts';

export type UserSteps = ReturnType<typeof createUserSteps>;

/** The step client with positional arguments, as the package export has them: tests call it often. */
export function createUserSteps(steps: StepClient) {
  return {
    start: steps.start,
    get: (userId: string, stepId: string) => steps.get({ userId, stepId }),
    waitForChange: (userId: string, stepId: string, options: { timeoutMs: number; signal?: AbortSignal }) =>
      steps.waitForChange({ userId, stepId, ...options }),
    list: (userId: string, options: ListStepsOptions) => steps.list({ userId, ...options }),
    cancel: (userId: string, stepId: string) => steps.cancel({ userId, stepId }),
    approve: (userId: string, stepId: string, message?: ApproveStep, by?: string) =>
      steps.approve({ userId, stepId, message, by }),
    reject: (userId: string, stepId: string, message?: RejectStep, by?: string) =>
      steps.reject({ userId, stepId, message, by }),
    resolve: (userId: string, stepId: string, message: ResolveStep, by?: string) =>
      steps.resolve({ userId, stepId, message, by }),
    resolveMany: (many: ResolveMany, by?: string) => steps.resolveMany({ ...many, by }),
  };
}
