import type { Sinks } from '@temporalio/workflow';
import type { AwaitingInputReason, ConnectionReason } from './step.ts';

/** What the log says of a step that waits for somebody: never its arguments or its result. */
export interface PausedStep {
  userId: string;
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  reason: AwaitingInputReason;
  connectionReason?: ConnectionReason | 'not-connected';
}

/** A step that goes on, and what it waited for. */
export interface ResumedStep extends PausedStep {
  waitedMs: number;
}

/** What a worker gives its workflows to log with. */
export interface StepLogSinks extends Sinks {
  stepLog: {
    paused(step: PausedStep): void;
    resumed(step: ResumedStep): void;
  };
}
