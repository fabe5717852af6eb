import {
  proxySinks,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { mcpStepStatus } from '../../contracts/search-attributes.ts';
import type {
  AwaitingInputReason,
  McpStepResult,
  StepStatus,
  StepView,
  TimelineEntry,
} from '../../contracts/step.ts';
import type { PausedStep, StepLogSinks } from '../../contracts/step-log.ts';
import { STATE_MEMO, type StepIdentity, type StepStateMemo } from '../../contracts/step-memo.ts';
import type { LatchkeySinks } from '../../contracts/webhooks.ts';
import type { StepPlan } from './step-input.ts';

/** What a pause shows to whoever can end it. */
export type Pause = { awaitingInputReason: AwaitingInputReason } & Pick<
  StepView,
  'connectUrl' | 'connectionReason' | 'requiredScopes' | 'pending'
>;

/** The record of a step that has been continued as new. */
export interface CarriedRecord {
  createdAt: string;
  timeline: TimelineEntry[];
  /** It is paused since then, in milliseconds since 1970. What is pending is in the step's input. */
  paused?: { since: number; pause: Omit<Pause, 'pending'> };
}

const TIMELINE_KEPT = 200;

// A sink leaves no event in history, unlike an activity.
const { webhooks, stepLog } = proxySinks<LatchkeySinks & StepLogSinks>();

/** What a step shows of itself: query, search attributes and the line in Temporal's own UI. */
export class StepRecord {
  #status: StepStatus = 'running';
  #pause: Pause | undefined;
  #pausedAt = 0;
  #result: McpStepResult | undefined;
  #updatedAt: string;
  #changes = 0;
  #isReset = false;
  readonly #createdAt: string;
  readonly #timeline: TimelineEntry[];
  readonly #plan: StepPlan;

  constructor(plan: StepPlan, carried?: CarriedRecord) {
    this.#plan = plan;
    this.#createdAt = carried?.createdAt ?? workflowInfo().startTime.toISOString();
    this.#timeline = carried?.timeline ?? [{ at: this.#createdAt, event: 'started' }];
    this.#updatedAt = this.#timeline.at(-1)?.at ?? this.#createdAt;
    if (carried?.paused !== undefined) this.#pauseAsBefore(carried.paused);
  }

  /** Adds an entry to the timeline; the middle of a very long one is left out. */
  note(event: string, details: Record<string, unknown> = {}, at = new Date().toISOString()): void {
    this.#updatedAt = at;
    this.#timeline.push({ at, event, ...details });
    if (this.#timeline.length > TIMELINE_KEPT) this.#timeline.splice(1, 1);
  }

  /** An operator has reset the step: a call that it makes again carries the same idempotency key. */
  noteReset(): void {
    this.note('reset');
    this.#isReset = true;
  }

  pause(pause: Pause): void {
    const goesOn = this.#pause?.awaitingInputReason === pause.awaitingInputReason;
    this.#pause = pause;
    // In a new run. Everybody knows of it: lists by memo and search attributes, which a run passes on.
    if (goesOn) return;
    this.#pausedAt = Date.now();
    const { awaitingInputReason: reason, connectionReason } = pause;
    this.note('awaiting-input', { reason, ...(connectionReason && { connectionReason }) });
    this.#setStatus('awaiting-input');
    this.#announce();
    stepLog.paused(this.#paused(pause));
    this.#showWaiting(pause);
  }

  /** What the step waits for its people to do; undefined while it needs nobody. */
  awaits(): AwaitingInputReason | undefined {
    return this.#pause?.awaitingInputReason;
  }

  resume(): void {
    if (this.#pause !== undefined) {
      stepLog.resumed({ ...this.#paused(this.#pause), waitedMs: Date.now() - this.#pausedAt });
    }
    this.#pause = undefined;
    this.note('resumed');
    this.#setStatus('running');
    setCurrentDetails('');
  }

  /** Somebody asked for the end of the step; what it does now may still be answered. */
  cancelling(): void {
    if (this.#result === undefined) this.note('cancelling');
  }

  /** For lists: Temporal knows when this run of the step began, not when the step did. */
  tellCreation(): void {
    upsertMemo({ [STATE_MEMO]: this.#memo() });
  }

  finish(result: McpStepResult): void {
    this.#pause = undefined;
    this.#result = result;
    const code = result.status === 'error' ? { code: result.error.code } : {};
    this.note('finished', { status: result.status, ...code });
    this.#end(result.status);
  }

  cancel(): void {
    this.#pause = undefined;
    this.note('cancelled');
    this.#end('cancelled');
  }

  carry(): CarriedRecord {
    const carried = { createdAt: this.#createdAt, timeline: this.#timeline };
    if (this.#pause === undefined) return carried;
    const { pending: _, ...pause } = this.#pause;
    return { ...carried, paused: { since: this.#pausedAt, pause } };
  }

  view(): StepView {
    return {
      ...this.#identity(),
      workflowId: workflowInfo().workflowId,
      status: this.#status,
      ...this.#pause,
      ...resultOf(this.#result),
      timeline: this.#timeline,
      createdAt: this.#createdAt,
      updatedAt: this.#updatedAt,
    };
  }

  #pauseAsBefore({ since, pause }: NonNullable<CarriedRecord['paused']>): void {
    this.#status = 'awaiting-input';
    this.#pause = pause;
    this.#pausedAt = since;
    this.#showWaiting(pause);
  }

  #showWaiting({ awaitingInputReason, connectionReason }: Pause): void {
    const why = connectionReason ? ` (${connectionReason})` : '';
    const reset = this.#isReset ? '. It was reset: its calls carry the idempotency key of before' : '';
    setCurrentDetails(`Waiting for its user: ${awaitingInputReason}${why}${reset}`);
  }

  // Success is not written to the search attribute: Completed with `running` says it, and the happy path
  // stays one event shorter.
  #end(status: StepStatus): void {
    if (status === 'success') this.#status = status;
    else this.#setStatus(status);
    this.#announce();
  }

  // Field by field: what a webhook says must never come to hold arguments or a result.
  #announce(): void {
    const { userId, stepId, mcpServerId } = this.#plan;
    const { awaitingInputReason, connectionReason, connectUrl } = this.#pause ?? {};
    const { error } = resultOf(this.#result);
    this.#changes += 1;
    webhooks.stepChanged({
      sequence: this.#changes,
      at: this.#updatedAt,
      data: {
        userId,
        stepId,
        workflowId: workflowInfo().workflowId,
        mcpServerId,
        status: this.#status,
        ...(awaitingInputReason && { awaitingInputReason }),
        ...(connectionReason && { connectionReason }),
        ...(connectUrl && { connectUrl }),
        ...(error && { errorCode: error.code }),
      },
    });
  }

  // Field by field, as above.
  #paused({ awaitingInputReason: reason, connectionReason }: Pause): PausedStep {
    const { userId, stepId, mcpServerId } = this.#plan;
    return {
      userId,
      stepId,
      workflowId: workflowInfo().workflowId,
      mcpServerId,
      reason,
      ...(connectionReason && { connectionReason }),
    };
  }

  // For lists, which see nothing of a step but its memo and search attributes. An upsert of an attribute that
  // the namespace doesn't know fails the workflow task for ever, so it is done only where the start already
  // carried the attribute; a memo needs no registration.
  #setStatus(status: StepStatus): void {
    this.#status = status;
    upsertMemo({ [STATE_MEMO]: this.#memo() });
    if (workflowInfo().typedSearchAttributes.get(mcpStepStatus) === undefined) return;
    upsertSearchAttributes([{ key: mcpStepStatus, value: status }]);
  }

  #identity(): StepIdentity {
    const { stepId, mcpServerId, tool, title, mode } = this.#plan;
    return { stepId, mcpServerId, tool, ...(title !== undefined && { title }), mode };
  }

  #memo(): StepStateMemo {
    const { pending: _, ...pause } = this.#pause ?? {};
    const { error } = resultOf(this.#result);
    return {
      ...this.#identity(),
      status: this.#status,
      createdAt: this.#createdAt,
      updatedAt: this.#updatedAt,
      ...pause,
      ...(error && { error }),
    };
  }
}

function resultOf(result: McpStepResult | undefined): Pick<StepView, 'result' | 'error'> {
  switch (result?.status) {
    case 'success':
      return { result: result.result };
    case 'error':
      return { error: result.error, ...(result.result && { result: result.result }) };
    default:
      return {};
  }
}
