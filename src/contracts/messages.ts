import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { StepView, ToolResult } from './step.ts';

/** A credential changed for the better. A hint to look again, never the truth itself. */
export interface CredentialDeposited {
  mcpServerId: string;
  version: number;
}

export interface ApproveStep {
  arguments?: Record<string, unknown>;
}

export interface RejectStep {
  reason?: string;
}

/** `result` only with `succeed`; its `content` may be left out. */
export interface ResolveStep {
  action: 'retry' | 'succeed' | 'fail';
  result?: Partial<ToolResult>;
}

/** `ApplicationFailure.type` of an update that was refused. */
export const REFUSED = {
  /** The step does not wait for that, or no longer. */
  notWaiting: 'NotWaiting',
  /** The message makes no sense, or the arguments do not fit the tool's schema. */
  invalid: 'Invalid',
  /** The arguments can't be checked now; the step still waits. */
  unchecked: 'Unchecked',
  /** Too many edits were refused within a minute; the first detail says for how many milliseconds none is taken. */
  tooMany: 'TooMany',
} as const;

/**
 * Temporal was restored from a backup: the call that the step is about to make may have been made already, in
 * the time that is lost. It is treated like a call whose answer was lost.
 */
export const historyRestored = defineSignal('historyRestored');
/**
 * Postgres was restored from a backup, and its versions were raised: a newer version is no sign of a deposit, and
 * nobody knows any more that the step waits.
 */
export const credentialsRestored = defineSignal('credentialsRestored');
export const credentialDeposited = defineSignal<[CredentialDeposited]>('credentialDeposited');
/** The second argument of each update names who decided, for the timeline. */
export const approve = defineUpdate<StepView, [ApproveStep?, string?]>('approve');
export const reject = defineUpdate<StepView, [RejectStep?, string?]>('reject');
export const resolve = defineUpdate<StepView, [ResolveStep, string?]>('resolve');
export const step = defineQuery<StepView>('step');
