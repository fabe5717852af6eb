/** The updates by which a person ends a pause: approve, reject and resolve. Their checks are in decision-guards.ts. */
import { ActivityFailure, condition, isCancellation, setHandler } from '@temporalio/workflow';
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
import type { StepView } from '../../contracts/step.ts';
import { toolAtServer } from '../../contracts/summaries.ts';
import {
  checkApproval,
  checkRejection,
  checkResolution,
  noteRefusedEdit,
  refusal,
  refuseInexactNumbers,
  refuseTooManyEdits,
  refuseUnfit,
  refuseUnlessAwaited,
} from './decision-guards.ts';
import { checkArguments, shownFor } from './step-activities.ts';
import { credentialKeyOf, type StepPlan } from './step-input.ts';
import type { StepProgress } from './step-progress.ts';
import type { StepRecord } from './step-record.ts';

/** A person's decision about a paused step. */
export type Decision =
  | { kind: 'approved'; arguments?: Record<string, unknown> }
  | { kind: 'rejected'; reason: string }
  | { kind: 'resolved'; resolution: ResolveStep };

export interface Decisions {
  isMade(): boolean;
  /** Returns the decision and clears it. */
  take(): Decision | undefined;
}

interface Deciding {
  plan: StepPlan;
  record: StepRecord;
  progress: StepProgress;
  made: Decision | undefined;
}

/**
 * Registers the updates that end a pause. A validator refuses a message that does not fit the pause; a refused update
 * leaves no event in history. Edited arguments are checked against the tool's schema: after a bad edit the step still
 * waits.
 */
export function acceptDecisions(step: Omit<Deciding, 'made'>): Decisions {
  const deciding: Deciding = { ...step, made: undefined };
  acceptApproval(deciding);
  acceptRejection(deciding);
  acceptResolution(deciding);
  return {
    isMade: () => deciding.made !== undefined,
    take() {
      const decision = deciding.made;
      deciding.made = undefined;
      return decision;
    },
  };
}

function acceptApproval(deciding: Deciding): void {
  const { plan, record, progress } = deciding;
  setHandler(
    approve,
    async (message?: ApproveStep, by?: string) => {
      const edited = message?.arguments ?? undefined;
      if (edited !== undefined) {
        await refuseBadEdit(plan, edited, () => noteRefusedEdit(progress, nameOf(by)));
      }
      // While the edit was checked, another person may have decided, or the deadline may have passed.
      refuseUnlessAwaited('needs-approval', deciding, message);
      deciding.made = { kind: 'approved', ...(edited && { arguments: edited }) };
      record.note('approved', { ...decidedBy(by), edited: edited !== undefined });
      return settled(record);
    },
    {
      validator: (message?: ApproveStep, by?: string) => {
        refuseUnfit('needs-approval', deciding, { message, check: checkApproval });
        refuseInexactNumbers(message);
        if (message?.arguments != null) refuseTooManyEdits(progress, nameOf(by));
      },
    },
  );
}

function acceptRejection(deciding: Deciding): void {
  const { record } = deciding;
  setHandler(
    reject,
    async (message?: RejectStep, by?: string) => {
      const reason = message?.reason || 'rejected';
      deciding.made = { kind: 'rejected', reason };
      record.note('rejected', { ...decidedBy(by), reason });
      return settled(record);
    },
    {
      validator: (message?: RejectStep, _by?: string) =>
        refuseUnfit('needs-approval', deciding, { message, check: checkRejection }),
    },
  );
}

function acceptResolution(deciding: Deciding): void {
  const { record } = deciding;
  setHandler(
    resolve,
    async (resolution: ResolveStep, by?: string) => {
      deciding.made = { kind: 'resolved', resolution };
      record.note('resolved', { ...decidedBy(by), action: resolution.action });
      return settled(record);
    },
    {
      validator: (message: ResolveStep, _by?: string) => {
        refuseUnfit('outcome-unknown', deciding, { message, check: checkResolution });
        refuseInexactNumbers(message);
      },
    },
  );
}

// The update returns the step as the decision leaves it: running again, or ended.
async function settled(record: StepRecord): Promise<StepView> {
  await condition(() => record.awaits() === undefined);
  return record.view();
}

async function refuseBadEdit(
  plan: StepPlan,
  edited: Record<string, unknown>,
  noteRefused: () => void,
): Promise<void> {
  const check = { ...credentialKeyOf(plan), tool: plan.tool, arguments: edited };
  const outcome = await checkArguments
    .executeWithOptions(shownFor(check.userId, toolAtServer(check)), [check])
    .catch(toUnchecked);
  if (outcome.kind !== 'valid') noteRefused();
  if (outcome.kind === 'invalid') throw refusal(REFUSED.invalid, outcome.message);
  if (outcome.kind === 'unchecked') throw refusal(REFUSED.unchecked, outcome.message);
}

function toUnchecked(error: unknown): CheckArgumentsOutcome {
  if (isCancellation(error)) throw refusal(REFUSED.notWaiting, 'the step was cancelled');
  if (!(error instanceof ActivityFailure)) throw error;
  return { kind: 'unchecked', message: 'the arguments could not be checked now' };
}

function decidedBy(by: unknown): { by?: string } {
  const name = nameOf(by);
  return name === '' ? {} : { by: name };
}

// Any client may send any value as the second argument.
function nameOf(by: unknown): string {
  return typeof by === 'string' ? by.slice(0, 255) : '';
}
