/**
 * Signals, updates and the query of workflow `mcpStep`. Histories and clients in other languages use these names and
 * fields: add to them, never rename.
 */
import { defineQuery, defineSignal, defineUpdate, type SignalDefinition } from '@temporalio/workflow';
import type { AwaitingInputReason, StepView, ToolResult } from './step.ts';

/** A credential was deposited. This is a hint: the step reads the store before it believes it. */
export interface CredentialDeposited {
  mcpServerId: string;
  /** Absent: `default`. */
  account?: string;
  version: number;
}

/** A server is not paused any more, or was removed. This is a hint: the next attempt reads whether that is so. */
export interface ServerResumed {
  mcpServerId: string;
}

/** What every decision may say. */
export interface AboutPause {
  /**
   * The pause that the decision is about: `at` of the timeline entry `awaiting-input` that the person saw. In another
   * pause the decision is refused as `NotWaiting`. Absent: it is about whichever pause the step is in.
   */
  pause?: string;
}

export interface ApproveStep extends AboutPause {
  arguments?: Record<string, unknown>;
}

export interface RejectStep extends AboutPause {
  reason?: string;
}

/** `result` is allowed with `succeed` only; its `content` is optional. */
export interface ResolveStep extends AboutPause {
  action: 'retry' | 'succeed' | 'fail';
  result?: Partial<ToolResult>;
}

/** What a step with `notifyParent` tells the workflow that started it. */
export type StepNotice =
  | ({ event: 'paused'; awaitingInputReason: AwaitingInputReason } & Pick<
      StepView,
      'connectUrl' | 'connectionReason' | 'requiredScopes'
    >)
  | { event: 'resumed' }
  /** The step was paused when it was taken back. It makes no further call, and waits to be cancelled. */
  | { event: 'withdrawn' };

/** `ApplicationFailure.type` of a refused update. */
export const REFUSED = {
  /** The step does not wait for this decision, or no longer does, or the decision names another pause. */
  notWaiting: 'NotWaiting',
  /** The message is malformed, or the arguments do not match the tool's schema. */
  invalid: 'Invalid',
  /** The arguments could not be checked. The step still waits. */
  unchecked: 'Unchecked',
  /** Too many edits were refused within a minute. The first detail is the number of milliseconds to wait. */
  tooMany: 'TooMany',
} as const;

/**
 * Temporal was restored from a backup. The step may have made its next call already, in the lost part of its history.
 * The call is treated like one whose answer was lost.
 */
export const historyRestored = defineSignal('historyRestored');
/**
 * Postgres was restored from a backup, and all credential versions were raised. A higher version does not prove a
 * deposit, and the row of a waiting step may be gone.
 */
export const credentialsRestored = defineSignal('credentialsRestored');
export const credentialDeposited = defineSignal<[CredentialDeposited]>('credentialDeposited');
export const serverResumed = defineSignal<[ServerResumed]>('serverResumed');
/**
 * The parent of a step with `notifyParent` does not wait for it any longer. A paused step answers with the notice
 * `withdrawn`. A step that runs ignores it: its call may be under way, and its result is worth waiting for.
 */
export const withdraw = defineSignal('withdraw');
/**
 * The signal that a step with `notifyParent` sends to its parent. Each step has its own name, because a workflow has
 * one handler for a name and may have any number of steps.
 */
export function stepNotice(stepId: string): SignalDefinition<[StepNotice]> {
  return defineSignal<[StepNotice]>(`latchkey-step-notice/${stepId}`);
}
/** The second argument of each update names the person who decided, for the timeline. */
export const approve = defineUpdate<StepView, [ApproveStep?, string?]>('approve');
export const reject = defineUpdate<StepView, [RejectStep?, string?]>('reject');
export const resolve = defineUpdate<StepView, [ResolveStep, string?]>('resolve');
export const step = defineQuery<StepView>('step');
/** The arguments that the step calls its tool with: those of its start, or of the edit that was approved. */
export const stepArguments = defineQuery<Record<string, unknown>>('stepArguments');
