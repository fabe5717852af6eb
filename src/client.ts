/**
 * The package export `latchkey`: users' steps, for a program that has a Temporal client of its own. Must not import the
 * worker or the server, whose libraries such a program does not need. The other exports are the files beside this one
 * that `exports` of package.json names.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { createLatchkeyApi, type LatchkeyApi } from './client/api-client.ts';
import type { LatchkeyApiOptions } from './client/api-request.ts';
import { decideWithExactNumbers, requireExactNumbers } from './client/exact-numbers.ts';
import { payloadDataConverter } from './client/payload-data-converter.ts';
import type { ApproveStep, RejectStep, ResolveStep } from './contracts/messages.ts';
import type { McpStepInput, McpStepResult, StepView } from './contracts/step.ts';
import type { ListStepsOptions } from './steps/list-steps.ts';
import { resultOf } from './steps/read-step.ts';
import type { ResolvedMany, ResolveMany } from './steps/resolve-many.ts';
import type { DecisionOutcome } from './steps/send-decision.ts';
import type { StartStepOutcome } from './steps/start-step.ts';
import { createStepClient } from './steps/step-client.ts';
import type { StepSummary } from './steps/step-summary.ts';
import { withDataConverter } from './temporal/open-client.ts';

export type { LatchkeyApi } from './client/api-client.ts';
export type { LatchkeyApiOptions } from './client/api-request.ts';
export { LatchkeyApiError } from './client/api-request.ts';
export { NumberNotExact } from './client/exact-numbers.ts';
export { payloadDataConverter } from './client/payload-data-converter.ts';
export type * from './contracts/mcp-tools.ts';
export type {
  AboutPause,
  ApproveStep,
  CredentialDeposited,
  RejectStep,
  ResolveStep,
  ServerResumed,
  StepNotice,
} from './contracts/messages.ts';
export type {
  PreflightCall,
  PreflightCode,
  PreflightProblem,
  PreflightResult,
} from './contracts/preflight.ts';
export type * from './contracts/step.ts';
export { stepWorkflowId } from './contracts/step-workflow-id.ts';
export type { ListFailure, ToolsOfServer } from './contracts/tools-of-server.ts';
export { InvalidCursor } from './steps/list-cursor.ts';
export type { ListStepsOptions } from './steps/list-steps.ts';
export type { ResolvedMany, ResolveMany } from './steps/resolve-many.ts';
export type { DecisionOutcome } from './steps/send-decision.ts';
export type { StartStepOutcome } from './steps/start-step.ts';
export type { StepSummary } from './steps/step-summary.ts';
export { TemporalUnavailable } from './temporal/temporal-call.ts';

/**
 * Users' steps. `listTools`, `preflight` and `fullResult` need the option `api`, and are about the user that its
 * `token` or its `user` names. The other methods throw `TemporalUnavailable` when Temporal can't be reached; all but
 * `resolveMany` are about the steps of one user and don't find another user's steps.
 */
export interface Latchkey extends LatchkeyApi {
  /**
   * Starts a step, or finds the one that was started with the same id. `stepId` defaults to a fresh one.
   *
   * @throws NumberNotExact when the arguments hold a number that JSON can only change
   */
  start(input: McpStepInput): Promise<StartStepOutcome>;
  /** Shows the step as it is now. Returns undefined if the user has no such step. */
  find(userId: string, stepId: string): Promise<StepView | undefined>;
  /**
   * Waits for the step to end; its pauses may take weeks. A large result is a reference: see `fullResult`.
   *
   * @throws WorkflowFailedError if the step was cancelled or terminated
   * @throws WorkflowNotFoundError if the user has no such step
   */
  result(userId: string, stepId: string): Promise<McpStepResult>;
  /**
   * Resolves when the status differs from the status at the call, when the step ends, or after `timeoutMs` milliseconds.
   * Returns the step as it is then, or undefined if the user has no such step.
   */
  waitForChange(
    userId: string,
    stepId: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<StepView | undefined>;
  /**
   * Lists a page of a user's steps: open ones first, then the latest ended. A page may hold fewer than `limit`, or none,
   * and still have a `nextCursor`.
   *
   * @throws InvalidCursor if the cursor is not one of this list
   */
  list(userId: string, options: ListStepsOptions): Promise<{ steps: StepSummary[]; nextCursor?: string }>;
  /** Cancels a step. Returns false if the user has no such step. A step that has ended stays as it is. */
  cancel(userId: string, stepId: string): Promise<boolean>;
  /** Ends the pause `needs-approval`: the step calls its tool. `by` names who decided, for the timeline. */
  approve(userId: string, stepId: string, message?: ApproveStep, by?: string): Promise<DecisionOutcome>;
  /** Ends the pause `needs-approval`; the step is `skipped`. */
  reject(userId: string, stepId: string, message?: RejectStep, by?: string): Promise<DecisionOutcome>;
  /** Ends the pause `outcome-unknown`: the step calls again, or ends. */
  resolve(userId: string, stepId: string, message: ResolveStep, by?: string): Promise<DecisionOutcome>;
  /**
   * For operators: resolves steps of all users.
   *
   * @throws NumberNotExact when the result holds a number that JSON can only change
   */
  resolveMany(many: ResolveMany, by?: string): Promise<ResolvedMany>;
}

/** How `createLatchkey` reaches Latchkey. */
export interface LatchkeyOptions {
  /** A client in the namespace of Latchkey's workers. It stays open, and yours to close. */
  client: Client;
  /** The task queue of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /**
   * The `PAYLOAD_KEYS` of Latchkey's workers, unless the client's own data converter has them: see
   * `payloadDataConverter`.
   */
  payloadKeys?: string;
  /** Latchkey's HTTP API. */
  api?: LatchkeyApiOptions;
}

/**
 * Creates the client of Latchkey. It opens no connection of its own, and needs no close.
 *
 * @throws Error if `payloadKeys` is not a valid list of keys
 */
export function createLatchkey(options: LatchkeyOptions): Latchkey {
  const { taskQueue = 'mcp-steps', api } = options;
  const client = clientOf(options);
  const steps = createStepClient({ client, taskQueue });
  return {
    ...(api ? createLatchkeyApi(api) : withoutApi()),
    async start(input) {
      requireExactNumbers(input.arguments, ['arguments']);
      return steps.start({ ...input, stepId: input.stepId ?? randomUUID() });
    },
    find: (userId, stepId) => steps.get({ userId, stepId }),
    result: (userId, stepId) => resultOf({ client }, { userId, stepId }),
    waitForChange: (userId, stepId, wait) => steps.waitForChange({ ...wait, userId, stepId }),
    list: (userId, page) => steps.list({ ...page, userId }),
    cancel: (userId, stepId) => steps.cancel({ userId, stepId }),
    approve: (userId, stepId, message, by) =>
      decideWithExactNumbers(message, () => steps.approve({ userId, stepId, message, by })),
    reject: (userId, stepId, message, by) => steps.reject({ userId, stepId, message, by }),
    resolve: (userId, stepId, message, by) =>
      decideWithExactNumbers(message, () => steps.resolve({ userId, stepId, message, by })),
    async resolveMany(many, by) {
      requireExactNumbers(many.resolution);
      return steps.resolveMany({ ...many, by });
    },
  };
}

function clientOf({ client, payloadKeys }: LatchkeyOptions): Client {
  if (payloadKeys === undefined) return client;
  return withDataConverter(client, payloadDataConverter(payloadKeys, client.options.dataConverter));
}

function withoutApi(): LatchkeyApi {
  const refuse = async () => {
    throw new Error('createLatchkey was not given the option `api`');
  };
  return { listTools: refuse, preflight: refuse, fullResult: refuse };
}
