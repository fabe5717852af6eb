import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { accountMember, accountOf } from '../../contracts/accounts.ts';
import { pauseOf } from '../../contracts/pause-of.ts';
import { mcpStepStatus } from '../../contracts/search-attributes.ts';
import type {
  AwaitingInputReason,
  McpStepResult,
  StepStatus,
  StepView,
  TimelineEntry,
} from '../../contracts/step.ts';
import { createdAtOf, STATE_MEMO, type StepIdentity, type StepStateMemo } from '../../contracts/step-memo.ts';
import { announceChange, logPaused, logResumed, type StepSubject } from './announce-step.ts';
import { tellParent, tellParentOfPause } from './parent.ts';
import type { Pause, Recorded } from './recorded.ts';

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

/**
 * What a step shows of itself: in the query, the memo, the search attribute, webhooks, the log and Temporal's UI.
 * Every change of status goes through here.
 */
export class StepRecord {
  #status: StepStatus = 'running';
  #pause: Pause | undefined;
  #pausedAt = 0;
  #result: McpStepResult | undefined;
  #hasEnded = false;
  #updatedAt: string;
  #changes = 0;
  #isReset = false;
  readonly #createdAt: string;
  readonly #timeline: TimelineEntry[];
  readonly #plan: Recorded;

  constructor(plan: Recorded, carried?: CarriedRecord) {
    this.#plan = plan;
    const { memo, startTime } = workflowInfo();
    this.#createdAt = carried?.createdAt ?? createdAtOf(memo, startTime);
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
    tellParentOfPause(this.#plan, pause);
    logPaused(this.#subject(), pause);
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

  /** The name of the pause that the step is in, or was in last. */
  lastPause(): string | undefined {
    return pauseOf({ timeline: this.#timeline });
  }

  resume(): void {
    if (this.#pause !== undefined) {
      logResumed(this.#subject(), this.#pause, Date.now() - this.#pausedAt);
    }
    this.#pause = undefined;
    this.note('resumed');
    this.#setStatus('running');
    tellParent(this.#plan, { event: 'resumed' });
    setCurrentDetails('');
  }

  /** Shows an operator in Temporal's UI what the step waits for other than a person. Empty: nothing. */
  showWait(details: string): void {
    setCurrentDetails(details);
  }

  /**
   * A client requested the cancellation. A call under way may still be answered. A withdrawn step has ended before its
   * parent cancels it.
   */
  cancelling(): void {
    if (!this.#hasEnded) this.note('cancelling');
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
    this.#hasEnded = true;
    if (status === 'success') this.#status = status;
    else this.#setStatus(status);
    this.#announce();
  }

  #announce(): void {
    this.#changes += 1;
    announceChange(this.#subject(), {
      sequence: this.#changes,
      at: this.#updatedAt,
      status: this.#status,
      pause: this.#pause,
      error: resultOf(this.#result).error,
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

  /** A listing is announced under the server and account that it waits for. */
  #subject(): StepSubject {
    const { userId, stepId } = this.#plan;
    const { mcpServerId = this.#plan.mcpServerId, account = this.#plan.account } = this.#pause ?? {};
    return { userId, stepId, mcpServerId, ...accountMember(account) };
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
