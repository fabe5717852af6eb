/**
 * Pauses: the step waits for a person, by a durable timer up to a deadline. A decision comes in as an update
 * (decisions.ts), a deposit as a signal (signals.ts). Waits that need no person are in obstacles.ts.
 */
import { CancellationScope } from '@temporalio/workflow';
import type {
  CredentialKey,
  CredentialVersions,
  Obstacle,
  RegisterWaiterOutcome,
} from '../../contracts/activities.ts';
import { code } from '../../contracts/summaries.ts';
import { waitAtMost } from './continue-as-new.ts';
import type { Decision } from './decisions.ts';
import { waitForServer } from './obstacles.ts';
import type { Pause } from './recorded.ts';
import { fail, type Reaction, type Step } from './step.ts';
import { registerWaiter, removeWaiter, shownFor } from './step-activities.ts';
import { credentialKeyOf } from './step-input.ts';
import {
  type AwaitedDeposit,
  type DepositPause,
  forgetRenewals,
  type StepProgress,
} from './step-progress.ts';

/** Pauses until a person decides; undefined if the deadline, in milliseconds since 1970, passes first. */
export async function awaitDecision(
  step: Step,
  pause: Pause,
  deadline: number,
): Promise<Decision | undefined> {
  const { record, decisions, progress } = step;
  record.pause(pause);
  const isOver = decisions.isMade;
  await waitAtMost(step, { ms: deadline - Date.now(), isOver, summary: pause.awaitingInputReason });
  const decision = decisions.take();
  forgetRenewals(progress);
  // Time spent waiting for a person does not count towards the outage.
  delete progress.unanswered;
  return decision;
}

/**
 * Pauses until the user's credential is newer than `seen`. The step registers as a waiter first and reads the store
 * then. A deposit is stored first and looks for waiters then. So in every interleaving one of the two sees the other.
 * If the store may have lost the waiter, the step registers again.
 */
export async function awaitDeposit(
  step: Step,
  seen: CredentialVersions,
  pause: DepositPause,
): Promise<Reaction> {
  for (;;) {
    step.credential.markRegistered();
    const { ranOut, wait, connectUrl } = await register(credentialKeyOf(step.plan), step.plan.stepId, {
      seen,
      pause,
    });
    if (!wait) {
      resume(step);
      // Wait first: very short-lived tokens would otherwise cause a renewal loop.
      return ranOut ? waitForServer(step, { cause: 'token-ran-out' }) : 'try-again';
    }
    if (step.record.awaits() === undefined) step.record.pause({ ...pause, connectUrl });
    // Time spent waiting for a person does not count towards the outage.
    delete step.progress.unanswered;
    step.progress.awaitedDeposit = { seen, pause };
    const awake = await waitForHint(step, seen.credentialVersion);
    delete step.progress.awaitedDeposit;
    if (!awake) {
      return fail('reauth-timed-out', 'the user did not reconnect in time');
    }
    if (!step.credential.registrationIsStale) {
      resume(step);
      return 'try-again';
    }
  }
}

/**
 * Pauses for consent to more scopes, once for each set of scopes: a server that challenges the same set again after a
 * deposit will not accept the next consent either. A consent that was not asked for them, because it was under way when
 * the step paused, does not count.
 */
export async function awaitScope(
  step: Step,
  obstacle: Extract<Obstacle, { kind: 'insufficient-scope' }>,
): Promise<Reaction> {
  const pause = pauseForScope(step.progress, obstacle);
  if (pause === undefined) {
    return fail('forbidden', 'the server asks for the same scope again after the user consented to it');
  }
  return awaitDeposit(step, obstacle.seen, pause);
}

/**
 * Returns the pause that asks for consent to the challenged scopes, and notes that they were asked for. Undefined if
 * the user has consented to them before, and the server will not accept the next consent either.
 */
export function pauseForScope(
  progress: Pick<StepProgress, 'askedScopes'>,
  challenge: ScopeChallenge,
): DepositPause | undefined {
  const { seen, challengedScopes, requiredScopes } = challenge;
  const scopes = challengedScopes.toSorted().join(' ');
  const asked = progress.askedScopes ?? {};
  const askedAt = asked[scopes];
  if (askedAt !== undefined && askedAt < seen.credentialVersion && mayHaveBeenRequested(challenge)) {
    return undefined;
  }
  progress.askedScopes = { ...asked, [scopes]: seen.credentialVersion };
  return {
    awaitingInputReason: 'needs-oauth-scope',
    requiredScopes: union(requiredScopes, Object.keys(asked)),
  };
}

type ScopeChallenge = Omit<Extract<Obstacle, { kind: 'insufficient-scope' }>, 'kind'>;

// Histories of older versions have no `requestedScopes`.
function mayHaveBeenRequested({ challengedScopes, requestedScopes }: ScopeChallenge): boolean {
  return challengedScopes.every((scope) => requestedScopes?.includes(scope) ?? true);
}

/**
 * Registers the step as a waiter. Runs to its end even if the step is cancelled: a waiter that is written after the
 * clean-up would stay.
 */
export function register(
  key: CredentialKey,
  stepId: string,
  { seen, pause: { connectionReason, requiredScopes } }: AwaitedDeposit,
): Promise<RegisterWaiterOutcome> {
  const tokenRejected = connectionReason === 'token-rejected';
  return CancellationScope.nonCancellable(() =>
    registerWaiter.executeWithOptions(shownFor(key.userId, `connection to ${code(key.mcpServerId)}`), [
      { ...key, stepId, seen, tokenRejected, ...(requiredScopes && { requiredScopes }) },
    ]),
  );
}

function resume({ record }: Step): void {
  if (record.awaits() !== undefined) record.resume();
}

async function waitForHint(step: Step, seenVersion: number): Promise<boolean> {
  const { credential } = step;
  const ms = deadlineFor(step, seenVersion) - Date.now();
  const isOver = () => credential.hasNewerHint(seenVersion) || credential.registrationIsStale;
  const summary = `connection to ${code(step.plan.mcpServerId)}`;
  const awake = await waitAtMost(step, { ms, isOver, summary });
  if (!awake) await removeWaiter();
  return awake;
}

// The deadline is kept for a version, so that a forged signal does not extend the pause.
function deadlineFor({ progress, plan }: Step, version: number): number {
  if (progress.reauth?.version !== version) {
    progress.reauth = { version, deadline: Date.now() + plan.timeoutsMs.reauth };
  }
  return progress.reauth.deadline;
}

// Earlier requests for consent stay included: a deposit need not say which scopes it covers, and consent to the new
// scopes alone would revoke the others.
function union(scopes: string[], askedBefore: string[]): string[] {
  return [...new Set([...scopes, ...askedBefore.flatMap((set) => set.split(' '))])].filter(Boolean);
}
