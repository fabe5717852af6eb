import {
  proxySinks,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { accountMember, accountOf } from '../../contracts/accounts.ts';
import { mcpStepStatus } from '../../contracts/search-attributes.ts';
import type {
  AwaitingInputReason,
  McpStepResult,
  StepStatus,
  StepView,
  TimelineEntry,
} from '../../contracts/step.ts';
import type { StepLogSinks } from '../../contracts/step-log.ts';
import { STATE_MEMO, type StepIdentity, type StepStateMemo } from '../../contracts/step-memo.ts';
import type { LatchkeySinks } from '../../contracts/webhooks.ts';
import { tellParent } from './parent.ts';
import type { Pause, Recorded } from './recorded.ts';
import { eventDataOf, noticeOf, pausedStepOf } from './step-announcements.ts';

/** The record that a step carries over when it continues as new. Histories hold these fields: never rename them. */
export interface CarriedRecord {
  createdAt: string;
  timeline: TimelineEntry[];
  /**
   * Set while paused. `since` is in milliseconds since 1970. `pending` is left out, because it is in the step's
   * input.
   */
  paused?: { since: number; pause: Omit<Pause, 'pending'> };
}

const MAX_TIMELINE_ENTRIES = 200;

// Sinks, because unlike an activity they add no event to history.
const { webhooks, stepLog } = proxySinks<LatchkeySinks & StepLogSinks>();

/**
 * What a step shows of itself: in the query, the memo, the search attribute, webhooks, the log and Temporal's UI.
 * Every change of status goes through here.
 */
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
  readonly #plan: Recorded;

  constructor(plan: Recorded, carried?: CarriedRecord) {
    this.#plan = plan;
    this.#createdAt = carried?.createdAt ?? workflowInfo().startTime.toISOString();
    this.#timeline = carried?.timeline ?? [{ at: this.#createdAt, event: 'started' }];
    this.#updatedAt = this.#timeline.at(-1)?.at ?? this.#createdAt;
    if (carried?.paused !== undefined) this.#restorePause(carried.paused);
  }

  /** Adds an entry to the timeline. Of a very long timeline the first entry and the latest ones are kept. */
  note(event: string, details: Record<string, unknown> = {}, at = new Date().toISOString()): void {
    this.#updatedAt = at;
    this.#timeline.push({ at, event, ...details });
    if (this.#timeline.length > MAX_TIMELINE_ENTRIES) this.#timeline.splice(1, 1);
  }

  /** An operator has reset the step. If it calls again, the call has the same idempotency key. */
  noteReset(): void {
    this.note('reset');
    this.#isReset = true;
  }

  pause(pause: Pause): void {
    const isContinued = this.#pause?.awaitingInputReason === pause.awaitingInputReason;
    this.#pause = pause;
    // A new run that continues the pause announces nothing: it has the memo and attributes of the previous run.
    if (isContinued) return;
    this.#pausedAt = Date.now();
    this.#showPause(pause);
    tellParent(this.#plan, noticeOf(pause));
    stepLog.paused(pausedStepOf(this.#plan, pause));
  }

  /** The pause goes on for another connection. */
  changePause(pause: Pause): void {
    this.#pause = pause;
    this.#showPause(pause);
  }

  /** What the step waits for a person to do; undefined if it is not paused. */
  awaits(): AwaitingInputReason | undefined {
    return this.#pause?.awaitingInputReason;
  }

  resume(): void {
    if (this.#pause !== undefined) {
      const paused = pausedStepOf(this.#plan, this.#pause);
      stepLog.resumed({ ...paused, waitedMs: Date.now() - this.#pausedAt });
    }
    this.#pause = undefined;
    this.note('resumed');
    this.#setStatus('running');
    tellParent(this.#plan, { event: 'resumed' });
    setCurrentDetails('');
  }

  /** A client requested the cancellation. A call under way may still be answered. */
  cancelling(): void {
    if (this.#result === undefined) this.note('cancelling');
  }

  /** Writes the time of the step's creation for lists: Temporal knows only the start of this run. */
  writeCreation(): void {
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
      account: accountOf(this.#plan),
      status: this.#status,
      ...this.#pause,
      ...resultOf(this.#result),
      timeline: this.#timeline,
      createdAt: this.#createdAt,
      updatedAt: this.#updatedAt,
    };
  }

  #restorePause({ since, pause }: NonNullable<CarriedRecord['paused']>): void {
    this.#status = 'awaiting-input';
    this.#pause = pause;
    this.#pausedAt = since;
    this.#showInTemporal(pause);
  }

  #showPause(pause: Pause): void {
    const { awaitingInputReason: reason, connectionReason } = pause;
    this.note('awaiting-input', { reason, ...(connectionReason && { connectionReason }) });
    this.#setStatus('awaiting-input');
    this.#announce();
    this.#showInTemporal(pause);
  }

  #showInTemporal({ awaitingInputReason, connectionReason }: Pause): void {
    const why = connectionReason ? ` (${connectionReason})` : '';
    const reset = this.#isReset ? '. It was reset: its calls have the same idempotency key as before' : '';
    setCurrentDetails(`Waiting for its user: ${awaitingInputReason}${why}${reset}`);
  }

  // Success is not written to the search attribute: Completed with `running` means success, and a step without
  // obstacles saves an event.
  #end(status: StepStatus): void {
    if (status === 'success') this.#status = status;
    else this.#setStatus(status);
    this.#announce();
  }

  #announce(): void {
    const { error } = resultOf(this.#result);
    this.#changes += 1;
    webhooks.stepChanged({
      sequence: this.#changes,
      at: this.#updatedAt,
      data: eventDataOf(this.#plan, { status: this.#status, pause: this.#pause, error }),
    });
  }

  // For lists, which read only memo and search attributes. An attribute that the namespace does not have would fail
  // the workflow task again and again, so it is updated only if the start set it. A memo needs no registration.
  #setStatus(status: StepStatus): void {
    this.#status = status;
    upsertMemo({ [STATE_MEMO]: this.#memo() });
    if (workflowInfo().typedSearchAttributes.get(mcpStepStatus) === undefined) return;
    upsertSearchAttributes([{ key: mcpStepStatus, value: status }]);
  }

  #identity(): StepIdentity {
    const { kind, stepId, mcpServerId, account, tool, title, mode } = this.#plan;
    const named = { ...accountMember(account), tool, ...(title !== undefined && { title }) };
    return { ...(kind && { kind }), stepId, mcpServerId, ...named, mode };
  }

  #memo(): StepStateMemo {
    const { pending: _, connections: __, ...pause } = this.#pause ?? {};
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
