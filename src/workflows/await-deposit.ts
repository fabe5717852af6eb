import { CancellationScope, condition } from '@temporalio/workflow';
import type { CredentialVersions } from '../contracts/versions.ts';
import { registerWaiter, removeWaiter } from './step-activities.ts';
import { fail, type Reaction } from './step-outcome.ts';
import type { Step } from './step-progress.ts';
import type { Pause } from './step-record.ts';
import { waitForServer } from './wait-for-server.ts';

/** A pause that a deposit ends. */
export type DepositPause = Pick<Pause, 'awaitingInputReason' | 'connectionReason' | 'requiredScopes'>;

/**
 * Pauses until the user's credential has moved past what the step saw. The waiter is registered first and
 * the store read after it, while a deposit stores first and looks for waiters after it: whichever way the two
 * interleave, one sees the other.
 */
export async function awaitDeposit(
  step: Step,
  seen: CredentialVersions,
  pause: DepositPause,
): Promise<Reaction> {
  const { userId, mcpServerId, stepId } = step.plan;
  const tokenRejected = pause.connectionReason === 'token-rejected';
  // To its end even if the step is cancelled: a row written after the clean-up would stay.
  const registered = await CancellationScope.nonCancellable(() =>
    registerWaiter({ userId, mcpServerId, stepId, seen, tokenRejected }),
  );
  // Not at once: where tokens live for moments only, that would renew them as fast as it goes.
  if (registered.ranOut) return waitForServer(step, { cause: 'token-ran-out' });
  if (!registered.wait) return 'try-again';
  step.record.pause({ ...pause, connectUrl: registered.connectUrl });
  // The time that people take is none in which the server was away.
  delete step.progress.unanswered;
  if (!(await depositedInTime(step, seen.credentialVersion))) {
    return fail('reauth-timed-out', 'the user did not reconnect in time');
  }
  step.record.resume();
  return 'try-again';
}

async function depositedInTime(step: Step, seenVersion: number): Promise<boolean> {
  const left = Math.max(deadlineFor(step, seenVersion) - Date.now(), 1);
  const deposited = await condition(() => step.credential.saysNewerThan(seenVersion), left);
  if (!deposited) await removeWaiter();
  return deposited;
}

// Looking again after a forged signal must not give the pause a new life.
function deadlineFor(step: Step, version: number): number {
  if (step.progress.reauth?.version !== version) {
    step.progress.reauth = { version, deadline: Date.now() + step.plan.timeoutsMs.reauth };
  }
  return step.progress.reauth.deadline;
}
