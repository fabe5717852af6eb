import type { Sinks } from '@temporalio/workflow';
import type { AwaitingInputReason, ConnectionReason } from './step.ts';

/** The log's fields of a step that waits for a person; never its arguments or its result. */
export interface PausedStep {
  userId: string;
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  reason: AwaitingInputReason;
  connectionReason?: ConnectionReason | 'not-connected';
}

/** The log's fields of a step that continues, with what it waited for. */
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
