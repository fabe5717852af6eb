/**
 * Signals, updates and the query of workflow `mcpStep`. Histories and clients in other languages use these names and
 * fields: add to them, never rename.
 */
import { defineQuery, defineSignal, defineUpdate, type SignalDefinition } from '@temporalio/workflow';
import type { AwaitingInputReason, StepView, ToolResult } from './step.ts';

/** A credential was deposited. This is a hint: the step reads the store before it believes it. */
export interface CredentialDeposited {
  /** The server that the user has connected. */
  mcpServerId: string;
  /** Absent: `default`. */
  account?: string;
  /** That of the deposit. It grows with each deposit and renewal of a connection. */
  version: number;
}

/** A server is not paused any more, or was removed. This is a hint: the next attempt reads whether that is so. */
export interface ServerResumed {
  /** The server that can be called again. */
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

/** The message of the update `approve`. */
export interface ApproveStep extends AboutPause {
  /** Replace those of the step, if the tool's schema allows them. Default: the step's own. */
  arguments?: Record<string, unknown>;
}

/** The message of the update `reject`. */
export interface RejectStep extends AboutPause {
  /** For the step's timeline and result. */
  reason?: string;
}

/** The message of the update `resolve`: what became of a call that got no answer. */
export interface ResolveStep extends AboutPause {
  /** `retry`: call again. `succeed`: the tool ran. `fail`: end the step as `error: outcome-unknown`. */
  action: 'retry' | 'succeed' | 'fail';
  /** With `succeed` only: what the tool would have returned. Its `content` is optional. Default: no content. */
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
/** The user of a waiting step has connected. */
export const credentialDeposited = defineSignal<[CredentialDeposited]>('credentialDeposited');
/** An admin has ended the pause of a server, or removed it. */
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
/** Lets a step that needs it call its tool. The second argument names the person who decided, for the timeline. */
export const approve = defineUpdate<StepView, [ApproveStep?, string?]>('approve');
/** Ends a step that needs approval as `skipped`. The second argument names the person who decided, for the timeline. */
export const reject = defineUpdate<StepView, [RejectStep?, string?]>('reject');
/** Decides about a call that got no answer. The second argument names the person who decided, for the timeline. */
export const resolve = defineUpdate<StepView, [ResolveStep, string?]>('resolve');
/** The step as `GET /steps/:stepId` shows it. */
export const step = defineQuery<StepView>('step');
/** The arguments that the step calls its tool with: those of its start, or of the edit that was approved. */
export const stepArguments = defineQuery<Record<string, unknown>>('stepArguments');
