import type { Sinks } from '@temporalio/workflow';
import type { AwaitingInputReason, ConnectionReason } from './step.ts';

/** The log fields of a paused step; never its arguments or its result. */
export interface PausedStep {
  userId: string;
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  /** Absent: `default`. */
  account?: string;
  reason: AwaitingInputReason;
  connectionReason?: ConnectionReason | 'not-connected';
}

/** The log fields of a step that continues after a pause. */
export interface ResumedStep extends PausedStep {
  waitedMs: number;
}

/** The sinks by which workflows log. */
export interface StepLogSinks extends Sinks {
  stepLog: {
    paused(step: PausedStep): void;
    resumed(step: ResumedStep): void;
  };
}
