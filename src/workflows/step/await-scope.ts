import type { Obstacle } from '../../contracts/activities.ts';
import { awaitDeposit } from './await-deposit.ts';
import type { Step } from './step.ts';
import { fail, type Reaction } from './step-outcome.ts';
import type { StepProgress } from './step-progress.ts';

/** Above every version: no deposit has come since consent was asked for. */
const NOT_CONSENTED = Number.MAX_SAFE_INTEGER;

/**
 * Asks for consent to more scope, once for each set of scopes: a server that challenges the same ones again
 * after a deposit will not be satisfied by consent.
 */
export async function awaitScope(
  step: Step,
  { seen, challengedScopes, requiredScopes }: Extract<Obstacle, { kind: 'insufficient-scope' }>,
): Promise<Reaction> {
  const scopes = challengedScopes.toSorted().join(' ');
  const asked = step.progress.askedScopes ?? {};
  const askedAt = asked[scopes];
  if (askedAt !== undefined && askedAt < seen.credentialVersion) {
    return fail('forbidden', 'the server asks for the same scope again after it was consented to');
  }
  step.progress.askedScopes = { ...asked, [scopes]: seen.credentialVersion };
  return awaitDeposit(step, seen, {
    awaitingInputReason: 'needs-oauth-scope',
    requiredScopes: union(requiredScopes, Object.keys(asked)),
  });
}

/**
 * Versions have risen without a deposit: what was asked for may be asked for once more.
 */
export function forgetConsents(progress: StepProgress): void {
  const asked = Object.keys(progress.askedScopes ?? {});
  progress.askedScopes = Object.fromEntries(asked.map((scopes) => [scopes, NOT_CONSENTED]));
}

// What was asked for before stays asked for: a deposit need not say what it covers, and a consent to the new
// scopes alone would take the others away again.
function union(scopes: string[], askedBefore: string[]): string[] {
  return [...new Set([...scopes, ...askedBefore.flatMap((set) => set.split(' '))])].filter(Boolean);
}
