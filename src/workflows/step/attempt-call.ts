import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { type InvokeToolOutcome, PAYLOAD_KEY_MISSING } from '../../contracts/activities.ts';
import type { Step } from './step.ts';
import { invokeTool } from './step-activities.ts';

/** By workers that don't have the activity, or not the key to what it was asked. */
const NEVER_RAN = new Set<string | undefined | null>(['NotFoundError', PAYLOAD_KEY_MISSING]);

/**
 * One attempt to call the tool. Whatever became of the activity, this says what it means for the tool.
 *
 * @throws CancelledFailure when the step was cancelled and the tool is not known to have answered
 */
export async function attemptCall({ plan, progress }: Step): Promise<InvokeToolOutcome> {
  const { justRenewed, approved } = progress;
  const outcome = await invokeTool({
    userId: plan.userId,
    mcpServerId: plan.mcpServerId,
    tool: plan.tool,
    arguments: approved?.editedArguments ?? plan.arguments,
    idempotencyKey: workflowInfo().firstExecutionRunId,
    inactivityTimeoutMs: plan.timeoutsMs.call,
    ...(justRenewed !== undefined && { justRenewed }),
  }).catch(whatFailureMeans);
  if (outcome.kind !== 'completed' && CancellationScope.current().consideredCancelled) {
    throw new CancelledFailure('the step was cancelled');
  }
  return outcome;
}

// An attempt that vanished (worker killed, time limit, result that could not be stored) may have run its
// tool. Only three failures say for certain that it never started.
function whatFailureMeans(error: unknown): InvokeToolOutcome {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  const neverStarted =
    (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') ||
    (cause instanceof ApplicationFailure && NEVER_RAN.has(cause.type));
  return neverStarted
    ? { kind: 'not-sent', cause: 'no-worker' }
    : { kind: 'lost', cause: cause instanceof TimeoutFailure ? 'worker-lost' : 'worker-failed' };
}
