/** The two attempts of a step that may meet an obstacle: to call the tool, and to describe it. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type DescribeToolOutcome,
  type InvokeToolOutcome,
  type Obstacle,
  PAYLOAD_KEY_MISSING,
} from '../../contracts/activities.ts';
import { idempotencyKeyOf } from '../../contracts/idempotency-key.ts';
import { toolAtServer } from '../../contracts/summaries.ts';
import type { Ended, Step } from './step.ts';
import { describeTool, invokeTool, shownFor } from './step-activities.ts';
import { credentialKeyOf } from './step-input.ts';

/** Describes the tool, once all obstacles are resolved. */
export type Describe = () => Promise<Exclude<DescribeToolOutcome, Obstacle> | Ended>;

/** Failure types of a worker that does not have the activity, or lacks the key to decrypt its input. */
const NEVER_STARTED: ReadonlySet<string | undefined | null> = new Set(['NotFoundError', PAYLOAD_KEY_MISSING]);

/**
 * Attempts to call the tool once. A failure of the activity becomes an outcome.
 *
 * @throws CancelledFailure if the step was cancelled and the tool is not known to have answered
 */
export async function attemptCall({ plan, progress }: Step): Promise<InvokeToolOutcome> {
  const { justRenewed, approved } = progress;
  const input = {
    ...credentialKeyOf(plan),
    tool: plan.tool,
    arguments: approved?.editedArguments ?? plan.arguments,
    idempotencyKey: idempotencyKeyOf(workflowInfo()),
    inactivityTimeoutMs: plan.timeoutsMs.call,
    ...(justRenewed !== undefined && { justRenewed }),
  };
  const shown = shownFor(plan.userId, toolAtServer(plan));
  let outcome: InvokeToolOutcome;
  // Not `catch()`, which is one more promise: the SDK traces a stack for each.
  try {
    outcome = await invokeTool.executeWithOptions(shown, [input]);
  } catch (error) {
    outcome = classifyActivityFailure(error);
  }
  if (outcome.kind !== 'completed' && CancellationScope.current().consideredCancelled) {
    throw new CancelledFailure('the step was cancelled');
  }
  return outcome;
}

/** Attempts to read the tool's annotations. A server that is not trusted is not asked. */
export async function attemptDescription({ plan, progress }: Step): Promise<DescribeToolOutcome> {
  const { justRenewed } = progress;
  const { tool } = plan;
  const input = { ...credentialKeyOf(plan), tool, ...(justRenewed !== undefined && { justRenewed }) };
  return describeTool.executeWithOptions(shownFor(plan.userId, toolAtServer(plan)), [input]);
}

// An attempt that vanished (killed worker, timeout, result that could not be stored) may have run its tool. Only
// three failures prove that it never started.
function classifyActivityFailure(error: unknown): InvokeToolOutcome {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  const neverStarted =
    (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') ||
    (cause instanceof ApplicationFailure && NEVER_STARTED.has(cause.type));
  return neverStarted
    ? { kind: 'not-sent', cause: 'no-worker' }
    : { kind: 'lost', cause: cause instanceof TimeoutFailure ? 'worker-lost' : 'worker-failed' };
}
