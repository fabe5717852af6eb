/** The steps of all users, for admins. */
import type { Client } from '@temporalio/client';
import {
  AWAITING_INPUT_REASONS,
  type AwaitingInputReason,
  type StepErrorCode,
  type StepStatus,
} from '../contracts/step.ts';
import { isCreatedWithin } from './created-within.ts';
import { type OwnedStep, stepOfAnyone, type WantedSteps } from './find-steps.ts';
import { type CursorKeys, UNKEYED } from './list-cursor.ts';
import { pageOfSteps } from './list-steps.ts';
import { readStepContent, type StepContent } from './step-content.ts';

/** Why a step waits or, with the status `error`, the code of its error. */
export type StepReason = AwaitingInputReason | StepErrorCode;

export interface ListAllSteps {
  userId?: string | undefined;
  mcpServerId?: string | undefined;
  status?: StepStatus | undefined;
  /** Without a status: of the steps that wait, unless only an error has this reason. */
  reason?: StepReason | undefined;
  /** Only steps that were created then or later. */
  since?: Date | undefined;
  /** 1–100. */
  limit: number;
  cursor?: string | undefined;
  /** Also what their tools were called with and answered. */
  withContent?: boolean | undefined;
}

export type ListedStep = OwnedStep & { content?: StepContent };

/**
 * Lists a page of steps: the open ones first, then the latest ended. Visibility knows no reasons, so a list by reason
 * reads the steps of that status and leaves others out. It reads at most 10 times `limit` for a page, so a page may be
 * short or empty and still have a next one.
 *
 * @throws InvalidCursor
 * @throws TemporalUnavailable
 */
export async function listAllSteps(
  { client, cursorKeys = UNKEYED }: { client: Client; cursorKeys?: CursorKeys | undefined },
  options: ListAllSteps,
): Promise<{ steps: ListedStep[]; nextCursor?: string }> {
  const { userId, mcpServerId, since, reason, limit, cursor, withContent = false } = options;
  const wanted: WantedSteps = { userId, mcpServerId, since, status: statusOfReason(options) };
  const page = { list: JSON.stringify(['all', { ...wanted, reason }]), limit, cursor };
  return pageOfSteps(
    { client, cursorKeys },
    wanted,
    page,
    async (execution): Promise<ListedStep | undefined> => {
      if (since !== undefined && !isCreatedWithin(execution, { from: since })) return undefined;
      const step = await stepOfAnyone(client, execution);
      // Checks exactly: visibility may compare without case.
      if (userId !== undefined && step.userId !== userId) return undefined;
      if (reason !== undefined && reasonOf(step) !== reason) return undefined;
      return withContent ? { ...step, content: await readStepContent(client, execution) } : step;
    },
  );
}

/** Which status a filter by reason means. */
export function statusOfReason({ status, reason }: Pick<ListAllSteps, 'status' | 'reason'>) {
  if (status !== undefined || reason === undefined) return status;
  return isAwaitingInputReason(reason) ? 'awaiting-input' : 'error';
}

/** Whether steps of this status can have this reason. */
export function canHaveReason(status: StepStatus, reason: StepReason): boolean {
  if (status === 'awaiting-input') return isAwaitingInputReason(reason);
  return status === 'error' && (reason === 'outcome-unknown' || !isAwaitingInputReason(reason));
}

function reasonOf(step: OwnedStep): StepReason | undefined {
  return step.status === 'error' ? step.error?.code : step.awaitingInputReason;
}

function isAwaitingInputReason(reason: StepReason): reason is AwaitingInputReason {
  return AWAITING_INPUT_REASONS.some((one) => one === reason);
}
