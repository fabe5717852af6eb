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

/**
 * A user's steps in Temporal. Every method is about the steps of one user: another's are not found.
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
}

/** Temporal could not be reached or did not answer in time. */
export class TemporalUnavailable extends Error {
  constructor(options?: ErrorOptions) {
    super('Temporal is unavailable', options);
    this.name = 'TemporalUnavailable';
  }
}

/** The cursor of a list is not one of ours. */
export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is not one of this list');
    this.name = 'InvalidCursor';
  }
}
