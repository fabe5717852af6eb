import type { ApproveStep, RejectStep, ResolveStep } from '../contracts/messages.ts';
import type { McpStepInput, StepStatus, StepView } from '../contracts/step.ts';

/** What `GET /steps` shows of a step: all that needs neither its worker nor its history. */
export type StepSummary = Omit<StepView, 'timeline' | 'pending' | 'result'>;

export interface ListStepsOptions {
  status?: StepStatus;
  /** 1–100. */
  limit: number;
  cursor?: string;
}

export type StartStepOutcome =
  /** A new step runs. */
  | { kind: 'started'; step: StepView }
  /** The same step was started before; while Temporal retains it. */
  | { kind: 'existing'; step: StepView }
  /** Its id belongs to a step that was started with another request. */
  | { kind: 'conflict' };

/** What came of telling a step what its people decided. */
export type DecisionOutcome =
  /** The step has acted on it: it runs again, or has ended. */
  | { kind: 'applied'; step: StepView }
  /** The user has no such step. */
  | { kind: 'not-found' }
  /** The step does not wait for that, or no longer. */
  | { kind: 'not-waiting'; message: string }
  /** The message makes no sense, or the arguments do not fit the tool's schema; the step still waits. */
  | { kind: 'invalid'; message: string }
  /** The edited arguments can't be checked now; the step still waits. */
  | { kind: 'unchecked'; message: string }
  /** Too many edits were refused within a minute; the step still waits. */
  | { kind: 'too-many'; message: string; retryAfterMs: number }
  /** No worker answered within 10 s. It may still apply. */
  | { kind: 'no-worker' };

/** Which of a server's steps are resolved alike, whose users they ever are. */
export interface ResolveMany {
  mcpServerId: string;
  /** When the steps were started; both ends count. */
  from: Date;
  to: Date;
  resolution: ResolveStep;
}

/** How many steps were resolved, waited for something else, and could not be told. */
export interface ResolvedMany {
  resolved: number;
  skipped: number;
  failed: number;
}

/**
 * A user's steps in Temporal. Every method but `resolveMany` is about the steps of one user: another's are not
 * found.
 *
 * @throws TemporalUnavailable when Temporal can't be reached
 */
export interface StepClient {
  start(input: McpStepInput & { stepId: string }): Promise<StartStepOutcome>;
  get(userId: string, stepId: string): Promise<StepView | undefined>;
  /** Resolves as soon as the status differs from what it was at the call, at its end, or after `timeoutMs`. */
  waitForChange(
    userId: string,
    stepId: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<StepView | undefined>;
  list(userId: string, options: ListStepsOptions): Promise<{ steps: StepSummary[]; nextCursor?: string }>;
  /** False: no such step. A step that has ended stays as it is. */
  cancel(userId: string, stepId: string): Promise<boolean>;
  /** Ends the pause `needs-approval`. `by` names who decided, for the timeline. */
  approve(userId: string, stepId: string, message?: ApproveStep, by?: string): Promise<DecisionOutcome>;
  /** Ends the pause `needs-approval`; the step is `skipped`. */
  reject(userId: string, stepId: string, message?: RejectStep, by?: string): Promise<DecisionOutcome>;
  /** Ends the pause `outcome-unknown`. */
  resolve(userId: string, stepId: string, message: ResolveStep, by?: string): Promise<DecisionOutcome>;
  /** For operators: the steps of all users. Needs the search attributes in the namespace. */
  resolveMany(many: ResolveMany, by?: string): Promise<ResolvedMany>;
}

/** The cursor of a list is not one of ours. */
export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is not one of this list');
    this.name = 'InvalidCursor';
  }
}
