import { CancellationScope } from '@temporalio/workflow';
import type { CredentialVersions, RegisterWaiterOutcome } from '../../contracts/activities.ts';
import { waitWithin } from './continue-step.ts';
import type { Step } from './step.ts';
import { registerWaiter, removeWaiter } from './step-activities.ts';
import { fail, type Reaction } from './step-outcome.ts';
import type { DepositPause } from './step-progress.ts';
import { waitForServer } from './wait-for-server.ts';

/**
 * Pauses until the user's credential has moved past what the step saw. The waiter is registered first and
 * the store read after it, while a deposit stores first and looks for waiters after it: whichever way the two
 * interleave, one sees the other. Where the store may have forgotten the waiter, it is registered again.
 */
export async function awaitDeposit(
  step: Step,
  seen: CredentialVersions,
  pause: DepositPause,
): Promise<Reaction> {
  for (;;) {
    step.credential.trust();
    const { ranOut, wait, connectUrl } = await register(step, seen, pause);
    if (!wait) {
      resume(step);
      // Not at once: where tokens live for moments only, that would renew them as fast as it goes.
      return ranOut ? waitForServer(step, { cause: 'token-ran-out' }) : 'try-again';
    }
    if (step.record.awaits() === undefined) step.record.pause({ ...pause, connectUrl });
    // The time that people take is none in which the server was away.
    delete step.progress.unanswered;
    step.progress.awaitedDeposit = { seen, pause };
    const awake = await awakened(step, seen.credentialVersion);
    delete step.progress.awaitedDeposit;
    if (!awake) {
      return fail('reauth-timed-out', 'the user did not reconnect in time');
    }
    if (!step.credential.isDoubted) {
      resume(step);
      return 'try-again';
    }
  }
}

// To its end even if the step is cancelled: a row written after the clean-up would stay.
function register(
  { plan: { userId, mcpServerId, stepId } }: Step,
  seen: CredentialVersions,
  { connectionReason }: DepositPause,
): Promise<RegisterWaiterOutcome> {
  const tokenRejected = connectionReason === 'token-rejected';
  return CancellationScope.nonCancellable(() =>
    registerWaiter({ userId, mcpServerId, stepId, seen, tokenRejected }),
  );
}

function resume({ record }: Step): void {
  if (record.awaits() !== undefined) record.resume();
}

async function awakened(step: Step, seenVersion: number): Promise<boolean> {
  const { credential } = step;
  const left = deadlineFor(step, seenVersion) - Date.now();
  const isOver = () => credential.saysNewerThan(seenVersion) || credential.isDoubted;
  const awake = await waitWithin(step, left, isOver);
  if (!awake) await removeWaiter();
  return awake;
}

// Looking again after a forged signal must not give the pause a new life.
function deadlineFor({ progress, plan }: Step, version: number): number {
  if (progress.reauth?.version !== version) {
    progress.reauth = { version, deadline: Date.now() + plan.timeoutsMs.reauth };
  }
  return progress.reauth.deadline;
}
