import { ActivityFailure, isCancellation, workflowInfo } from '@temporalio/workflow';
import type {
  CredentialVersions,
  KeyMissing,
  Misconfigured,
  RefreshTokenOutcome,
} from '../../contracts/activities.ts';
import { isOnlyExpiry, type Refusal, refusalIsFinal } from '../../contracts/renewals.ts';
import { code } from '../../contracts/summaries.ts';
import { waitForKey, waitForOperator } from './obstacles.ts';
import { awaitDeposit } from './pauses.ts';
import { fail, type Reaction, type Step } from './step.ts';
import { refreshTokenWithin, shownFor } from './step-activities.ts';
import { credentialKeyOf } from './step-input.ts';
import { forgetRenewals } from './step-progress.ts';

type Refreshed = RefreshTokenOutcome | { kind: 'out-of-time' };
/** Outcomes that the operator can resolve while the step waits. */
type ForOperator = KeyMissing | (Misconfigured & { clientRefused: string });

/**
 * Handles a 401: renews the token once. A second 401 to the renewed token means that the user has to reconnect, unless
 * that token expired on the way.
 */
export async function renewOnceAfterRefusal(step: Step, refusal: Refusal): Promise<Reaction> {
  const { progress } = step;
  const { seen } = refusal;
  if (refusalIsFinal(refusal, progress)) {
    return awaitDeposit(step, seen, {
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'token-rejected',
    });
  }
  if (isOnlyExpiry(refusal, progress)) progress.expiredRefusals = (progress.expiredRefusals ?? 0) + 1;
  else progress.renewedAfterRefusal = seen.credentialVersion;
  return renewToken(step, seen);
}

/** Renews the token, so that one newer than `seen` is stored, or waits for the user or operator who can help. */
export async function renewToken(step: Step, seen: CredentialVersions): Promise<Reaction> {
  for (;;) {
    const outcome = await refresh(step, seen);
    if (outcome.kind !== 'key-missing') delete step.progress.withoutKey;
    if (!isForOperator(outcome)) return reactTo(step, seen, outcome);
    // Renews again after the wait, instead of calling first: a 401 to that call would be taken for one to a renewed
    // token.
    const reaction = await waitForHelp(step, outcome);
    if (reaction !== 'try-again') return reaction;
    if (outcome.kind === 'misconfigured' && workflowInfo().continueAsNewSuggested) {
      // The wait may take weeks. The loop of attempts continues as new and starts with a call, as if it were the
      // first.
      forgetRenewals(step.progress);
      return 'try-again';
    }
  }
}

function isForOperator(outcome: Refreshed): outcome is ForOperator {
  if (outcome.kind === 'key-missing') return true;
  return outcome.kind === 'misconfigured' && outcome.clientRefused !== undefined;
}

function waitForHelp(step: Step, outcome: ForOperator): Promise<Reaction> {
  if (outcome.kind === 'key-missing') return waitForKey(step, outcome);
  return waitForOperator(step, { cause: outcome.clientRefused, message: outcome.message });
}

async function reactTo(
  step: Step,
  seen: CredentialVersions,
  outcome: Exclude<Refreshed, KeyMissing>,
): Promise<Reaction> {
  delete step.progress.unoperated;
  switch (outcome.kind) {
    case 'renewed':
      // Another credential version is a deposit that came in between. Its token may be old, so a 401 to it is not
      // final.
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
    const shown = shownFor(plan.userId, `token for ${code(plan.mcpServerId)}`);
    const refreshToken = refreshTokenWithin(plan.timeoutsMs.unavailable, shown);
    return await refreshToken({ ...credentialKeyOf(plan), seen });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { kind: 'out-of-time' };
  }
}
