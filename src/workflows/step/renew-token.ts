import { ActivityFailure, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { CredentialVersions, RefreshTokenOutcome } from '../../contracts/activities.ts';
import { awaitDeposit } from './await-deposit.ts';
import type { Step } from './step.ts';
import { refreshTokenWithin } from './step-activities.ts';
import { fail, type Reaction } from './step-outcome.ts';
import { forgetRenewals } from './step-progress.ts';
import { waitForKey } from './wait-for-key.ts';
import { waitForOperator } from './wait-for-operator.ts';

type Refreshed = RefreshTokenOutcome | { kind: 'out-of-time' };
type Misconfigured = Extract<Refreshed, { kind: 'misconfigured' }>;
type ForOperator = Extract<Refreshed, { kind: 'key-missing' }> | (Misconfigured & { clientRefused: string });
type Renewed = Exclude<Refreshed, { kind: 'key-missing' }>;

/** Sees to it that a newer token than `seen` is stored, or that the right person is asked. */
export async function renewToken(step: Step, seen: CredentialVersions): Promise<Reaction> {
  for (;;) {
    const outcome = await refresh(step, seen);
    if (outcome.kind !== 'key-missing') delete step.progress.withoutKey;
    if (!isForOperator(outcome)) return reactTo(step, seen, outcome);
    // Asked again here and not by another call: a 401 to that would be taken for a verdict on a renewed token.
    const reaction = await waitFor(step, outcome);
    if (reaction !== 'try-again') return reaction;
    if (outcome.kind === 'misconfigured' && workflowInfo().continueAsNewSuggested) {
      // The wait may take weeks. The caller continues as new, and begins with a call as if for the first time.
      forgetRenewals(step.progress);
      return 'try-again';
    }
  }
}

function isForOperator(outcome: Refreshed): outcome is ForOperator {
  if (outcome.kind === 'key-missing') return true;
  return outcome.kind === 'misconfigured' && outcome.clientRefused !== undefined;
}

function waitFor(step: Step, outcome: ForOperator): Promise<Reaction> {
  if (outcome.kind === 'key-missing') return waitForKey(step, outcome);
  return waitForOperator(step, { cause: outcome.clientRefused, message: outcome.message });
}

async function reactTo(step: Step, seen: CredentialVersions, outcome: Renewed): Promise<Reaction> {
  delete step.progress.unoperated;
  switch (outcome.kind) {
    case 'renewed':
      // Another version is a deposit that came in between: its token may be old, and a 401 to it is no verdict.
      if (outcome.versions.credentialVersion === seen.credentialVersion) {
        step.progress.justRenewed = outcome.versions.tokenVersion;
      }
      step.record.note('token-renewed');
      return 'try-again';
    case 'reauth-required':
      return awaitDeposit(step, outcome.seen, {
        awaitingInputReason: 'needs-oauth-reauth',
        connectionReason: outcome.reason,
      });
    case 'misconfigured':
      return fail('misconfigured', outcome.message);
    case 'out-of-time':
      return fail('server-unavailable', 'the authorization server did not renew the token in time');
    default:
      return outcome satisfies never;
  }
}

async function refresh({ plan }: Step, seen: CredentialVersions): Promise<Refreshed> {
  try {
    const refreshToken = refreshTokenWithin(plan.timeoutsMs.unavailable);
    return await refreshToken({ userId: plan.userId, mcpServerId: plan.mcpServerId, seen });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { kind: 'out-of-time' };
  }
}
