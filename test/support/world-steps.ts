import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import type { McpStepInput, McpStepResult, StepView } from '../../src/contracts/step.ts';
import type { Services } from '../../src/process/services.ts';
import { describeStepOfUser, readDescribed, type StepKey } from '../../src/steps/read-step.ts';
import { createStepClient } from '../../src/steps/step-client.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import type { TestTemporal } from './temporal.ts';
import { createUserSteps, type UserSteps } from './user-steps.ts';

export const INVOICE = { customer: 'ACME', amount: 42 };

/**
 * For tests of many steps. A busy server loses tasks on their way to a worker; an idempotent call is then repeated, and the
 * step does not ask for its outcome.
 */
export const REPEATED_IF_LOST = { sideEffects: 'idempotent' } as const;

/** How often a start is sent to a server that answers too late, as a client of the API repeats it after a 503. */
const START_ATTEMPTS = 3;

/** The step client, and what tests do with steps besides. */
export interface WorldSteps extends Omit<UserSteps, 'start'> {
  /** Starts a step, by default one that creates an invoice. Throws if its id is taken. */
  start(userId: string, step?: Partial<McpStepInput>): Promise<StepView>;
  /** The step client's `start`: its outcome may be a conflict. */
  tryStart: UserSteps['start'];
  /**
   * Resolves to the step as its workflow reports it, as soon as a worker answers, within 15 s. `get` shows a step that no worker
   * reports in time without most of its timeline.
   */
  reported(userId: string, stepId: string): Promise<StepView>;
  /** Resolves to the step as soon as its workflow reports one of these statuses. */
  until(userId: string, stepId: string, ...statuses: StepView['status'][]): Promise<StepView>;
  result(step: StepView): Promise<McpStepResult>;
  /** The ids of the user's steps that are registered as waiting. */
  waiting(userId: string): Promise<string[]>;
}

interface StepsOf {
  services: Services;
  temporal: TestTemporal;
  taskQueue: string;
  mcpServerId: string;
}

export function createWorldSteps({ services, temporal, taskQueue, mcpServerId }: StepsOf): WorldSteps {
  const { start: tryStart, ...steps } = createUserSteps(
    createStepClient({ client: temporal.client, taskQueue }),
  );
  return {
    ...steps,
    tryStart,
    async start(userId, step = {}) {
      const defaults = { mcpServerId, tool: 'create_invoice', arguments: INVOICE, stepId: randomUUID() };
      const outcome = await startRepeatedly(tryStart, { ...defaults, ...step, userId });
      if (outcome.kind === 'conflict') throw new Error('the step id is taken by another request');
      return outcome.step;
    },
    reported: (userId, stepId) => untilReported(temporal, { userId, stepId }, { timeout: 15_000 }),
    until: (userId, stepId, ...statuses) =>
      untilReported(temporal, { userId, stepId }, { timeout: 50_000, statuses }),
    // The cast trusts the contract of workflow `mcpStep`.
    result: (step) => temporal.client.workflow.getHandle(step.workflowId).result() as Promise<McpStepResult>,
    async waiting(userId) {
      const { rows } = await services.db.query<{ step_id: string }>(
        'SELECT step_id FROM mcp_waiter WHERE user_id = $1 ORDER BY registered_at',
        [userId],
      );
      return rows.map((row) => row.step_id);
    },
  };
}

// Safe, because a step id is started once.
async function startRepeatedly(
  start: UserSteps['start'],
  input: Parameters<UserSteps['start']>[0],
  attempts = START_ATTEMPTS,
): ReturnType<UserSteps['start']> {
  try {
    return await start(input);
  } catch (error) {
    if (!(error instanceof TemporalUnavailable) || attempts === 1) throw error;
    return startRepeatedly(start, input, attempts - 1);
  }
}

async function untilReported(
  { client }: TestTemporal,
  step: StepKey,
  { timeout, statuses }: { timeout: number; statuses?: StepView['status'][] },
): Promise<StepView> {
  return vi.waitFor(
    async () => {
      const described = await describeStepOfUser({ client }, step);
      if (described === undefined) throw new Error('the user has no such step');
      const { view, isAnswered } = await readDescribed({ client }, step, described);
      if (isAnswered && (statuses?.includes(view.status) ?? true)) return view;
      const by = isAnswered ? '' : ', and no worker reports it';
      throw new Error(`the step is ${view.status}${by}: ${JSON.stringify(view.timeline)}`);
    },
    { timeout, interval: 50 },
  );
}
