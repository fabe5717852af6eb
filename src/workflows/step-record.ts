import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { mcpStepStatus } from '../contracts/search-attributes.ts';
import type {
  AwaitingInputReason,
  McpStepResult,
  StepStatus,
  StepView,
  TimelineEntry,
} from '../contracts/step.ts';
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
}

const TIMELINE_KEPT = 200;

/** What a step shows of itself: query, search attributes and the line in Temporal's own UI. */
export class StepRecord {
  #status: StepStatus = 'running';
  #pause: Pause | undefined;
  #result: McpStepResult | undefined;
  #updatedAt: string;
  readonly #createdAt: string;
  readonly #timeline: TimelineEntry[];
  readonly #plan: StepPlan;

  constructor(plan: StepPlan, carried?: CarriedRecord) {
    this.#plan = plan;
    this.#createdAt = carried?.createdAt ?? workflowInfo().startTime.toISOString();
    this.#timeline = carried?.timeline ?? [{ at: this.#createdAt, event: 'started' }];
    this.#updatedAt = this.#timeline.at(-1)?.at ?? this.#createdAt;
  }

  /** Adds an entry to the timeline; the middle of a very long one is left out. */
  note(event: string, details: Record<string, unknown> = {}): void {
    this.#updatedAt = new Date().toISOString();
    this.#timeline.push({ at: this.#updatedAt, event, ...details });
    if (this.#timeline.length > TIMELINE_KEPT) this.#timeline.splice(1, 1);
  }

  pause(pause: Pause): void {
    this.#pause = pause;
    const { awaitingInputReason: reason, connectionReason } = pause;
    this.note('awaiting-input', { reason, ...(connectionReason && { connectionReason }) });
    this.#setStatus('awaiting-input');
    setCurrentDetails(`Waiting for its user: ${reason}${connectionReason ? ` (${connectionReason})` : ''}`);
  }

  resume(): void {
    this.#pause = undefined;
    this.note('resumed');
    this.#setStatus('running');
    setCurrentDetails('');
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
    return { createdAt: this.#createdAt, timeline: this.#timeline };
  }

  view(): StepView {
    const { stepId, mcpServerId, tool, title, mode } = this.#plan;
    return {
      stepId,
      workflowId: workflowInfo().workflowId,
      mcpServerId,
      tool,
      ...(title !== undefined && { title }),
      mode,
      status: this.#status,
      ...this.#pause,
      ...resultOf(this.#result),
      timeline: this.#timeline,
      createdAt: this.#createdAt,
      updatedAt: this.#updatedAt,
    };
  }

  // Success is not written to the search attribute: Completed with `running` says it, and the happy path
  // stays one event shorter.
  #end(status: StepStatus): void {
    if (status === 'success') this.#status = status;
    else this.#setStatus(status);
  }

  // An upsert of an attribute that the namespace doesn't know fails the workflow task for ever, so it is done
  // only where the start already carried the attribute.
  #setStatus(status: StepStatus): void {
    this.#status = status;
    if (workflowInfo().typedSearchAttributes.get(mcpStepStatus) === undefined) return;
    upsertSearchAttributes([{ key: mcpStepStatus, value: status }]);
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
