import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import type { CheckArgumentsOutcome } from '../../contracts/activities.ts';
import {
  type ApproveStep,
  approve,
  REFUSED,
  type RejectStep,
  type ResolveStep,
  reject,
  resolve,
} from '../../contracts/messages.ts';
import type { AwaitingInputReason, StepView } from '../../contracts/step.ts';
import { checkApproval, checkRejection, checkResolution } from './decision-guards.ts';
import { editRetryAfterMs, noteRefusedEdit } from './edit-limit.ts';
import { refuseInexactNumbers } from './exact-numbers.ts';
import { checkArguments } from './step-activities.ts';
import type { StepPlan } from './step-input.ts';
import type { StepProgress } from './step-progress.ts';
import type { StepRecord } from './step-record.ts';

/** What a person decided about a step that waits for them. */
export type Decision =
  | { kind: 'approved'; arguments?: Record<string, unknown> }
  | { kind: 'rejected'; reason: string }
  | { kind: 'resolved'; resolution: ResolveStep };

/** Where decisions come in. */
export interface Decisions {
  isMade(): boolean;
  /** The decision that was made, which counts no more from then on. */
  take(): Decision | undefined;
}

/** What decisions are about. */
interface Deciding {
  plan: StepPlan;
  record: StepRecord;
  progress: StepProgress;
}

/**
 * Registers the updates that end a pause. What does not fit the moment is refused by a validator and leaves no
 * trace in history. Edited arguments are checked against the tool's schema; a bad edit leaves the step waiting.
 */
export function acceptDecisions({ plan, record, progress }: Deciding): Decisions {
  let made: Decision | undefined;

  function decide(decision: Decision, event: string, details: Record<string, unknown>): void {
    made = decision;
    record.note(event, details);
  }

  setHandler(
    approve,
    async (message?: ApproveStep, by?: string) => {
      const edited = message?.arguments ?? undefined;
      if (edited !== undefined)
        await refuseBadEdit(plan, edited, () => noteRefusedEdit(progress, nameOf(by)));
      // Somebody may have been faster while the edit was checked, or the deadline.
      refuseUnlessWaiting(record, made, 'needs-approval');
      decide({ kind: 'approved', ...(edited && { arguments: edited }) }, 'approved', {
        ...decidedBy(by),
        edited: edited !== undefined,
      });
      return settled(record);
    },
    {
      validator: (message?: ApproveStep, by?: string) => {
        refuseUnfit(record, made, 'needs-approval', checkApproval(message));
        refuseInexactNumbers(message);
        if (message?.arguments != null) refuseTooManyEdits(progress, nameOf(by));
      },
    },
  );
  setHandler(
    reject,
    async (message?: RejectStep, by?: string) => {
      const reason = message?.reason || 'rejected';
      decide({ kind: 'rejected', reason }, 'rejected', { ...decidedBy(by), reason });
      return settled(record);
    },
    {
      validator: (message?: RejectStep, _by?: string) =>
        refuseUnfit(record, made, 'needs-approval', checkRejection(message)),
    },
  );
  setHandler(
    resolve,
    async (resolution: ResolveStep, by?: string) => {
      const { action } = resolution;
      decide({ kind: 'resolved', resolution }, 'resolved', { ...decidedBy(by), action });
      return settled(record);
    },
    {
      validator: (message: ResolveStep, _by?: string) => {
        refuseUnfit(record, made, 'outcome-unknown', checkResolution(message));
        refuseInexactNumbers(message);
      },
    },
  );

  return {
    isMade: () => made !== undefined,
    take() {
      const decision = made;
      made = undefined;
      return decision;
    },
  };
}

// The answer shows the step as the decision left it: running again, or ended.
async function settled(record: StepRecord): Promise<StepView> {
  await condition(() => record.awaits() === undefined);
  return record.view();
}

function refuseUnfit(
  record: StepRecord,
  made: Decision | undefined,
  awaited: AwaitingInputReason,
  problem: string | undefined,
): void {
  if (problem !== undefined) throw refusal(REFUSED.invalid, problem);
  refuseUnlessWaiting(record, made, awaited);
}

function refuseUnlessWaiting(
  record: StepRecord,
  made: Decision | undefined,
  awaited: AwaitingInputReason,
): void {
  if (record.awaits() === awaited && made === undefined) return;
  throw refusal(REFUSED.notWaiting, `the step does not wait for that: ${awaited}`);
}

async function refuseBadEdit(
  plan: StepPlan,
  edited: Record<string, unknown>,
  noteRefused: () => void,
): Promise<void> {
  const { userId, mcpServerId, tool } = plan;
  const outcome = await checkArguments({ userId, mcpServerId, tool, arguments: edited }).catch(cannotCheck);
  if (outcome.kind !== 'valid') noteRefused();
  if (outcome.kind === 'invalid') throw refusal(REFUSED.invalid, outcome.message);
  if (outcome.kind === 'unchecked') throw refusal(REFUSED.unchecked, outcome.message);
}

function cannotCheck(error: unknown): CheckArgumentsOutcome {
  if (isCancellation(error)) throw refusal(REFUSED.notWaiting, 'the step was cancelled');
  if (!(error instanceof ActivityFailure)) throw error;
  return { kind: 'unchecked', message: 'the arguments could not be checked now' };
}

function refuseTooManyEdits(progress: StepProgress, by: string): void {
  const retryAfterMs = editRetryAfterMs(progress, by);
  if (retryAfterMs === undefined) return;
  throw refusal(REFUSED.tooMany, 'too many edits of this step were refused', retryAfterMs);
}

function refusal(type: string, message: string, ...details: unknown[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type, ...details);
}

// Any client may send anything as the second argument.
function decidedBy(by: unknown): { by?: string } {
  const name = nameOf(by);
  return name === '' ? {} : { by: name };
}

function nameOf(by: unknown): string {
  return typeof by === 'string' ? by.slice(0, 255) : '';
}
