import type { CredentialVersions } from '../contracts/versions.ts';
import type { TokenAnswer } from '../oauth/refresh-grant.ts';
import { readConnection } from './credential-store.ts';
import { keepForRevocation } from './disconnect-credential.ts';
import type { HeldLease } from './lease.ts';
import { type RenewedTokens, storeRenewal } from './lease-store.ts';
import type { RefreshPlan } from './prepare-refresh.ts';
import { createRefreshLog, type SentRefresh } from './refresh-log.ts';
import type { RenewalDependencies } from './renew-under-lease.ts';
import { judgeConnection, type RenewalOutcome } from './renewal-outcome.ts';
import { lifetimeSeconds, renewAfterSeconds } from './token-lifetime.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

/**
 * Stores the answer of a refresh, for as long as it takes: it is the only copy of the new tokens. A newer
 * deposit or disconnect wins over it. Tokens that a deposit superseded are dropped and not revoked, because
 * the same consent may share the grant; after a disconnect they are what is to be revoked.
 */
export async function writeBack(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  sent: SentRefresh,
  answer: TokenAnswer,
): Promise<RenewalOutcome> {
  const tokens = await sealAnswer(deps, lease, plan, answer);
  const lifetime = renewAfterSeconds(lifetimeSeconds(answer.expiresIn));
  const stored = await untilDone(deps, lease, () => {
    // The server counts from when it answered: a long way here, or to the database, is part of the token's time.
    const left = lifetime === undefined ? undefined : lifetime - sent.elapsedMs() / 1000;
    const renewed = { ...tokens, renewAfterSeconds: left, learned: sent.learned };
    return storeRenewal(deps.db, lease, sent.grantSeq, renewed);
  });
  if (stored === undefined) return superseded(deps, lease, sent, tokens);
  logDone(deps, lease, sent, stored.versions);
  if (stored.recovered) await deps.onRecovered(lease.key, stored.versions.credentialVersion);
  // Only a refresh token came: it is safe now, but there is nothing to call with yet.
  if (answer.accessToken === undefined) return { kind: 'unavailable', cause: 'no-access-token' };
  return { kind: 'renewed', versions: stored.versions };
}

async function sealAnswer(
  { vault, keyRing }: RenewalDependencies,
  { key }: HeldLease,
  { grant }: RefreshPlan,
  answer: TokenAnswer,
): Promise<Omit<RenewedTokens, 'renewAfterSeconds' | 'learned'>> {
  const refreshToken = answer.refreshToken ?? grant.refreshToken;
  const rotated = refreshToken !== grant.refreshToken;
  const { accessToken } = answer;
  return {
    grantJwe: await vault.seal('grant', key, { ...grant, refreshToken }),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    scopes: answer.scope,
    fingerprint: keyRing.fingerprint(refreshToken, key),
    spentFingerprint: rotated ? keyRing.fingerprint(grant.refreshToken, key) : null,
  };
}

// Also where an attempt to store committed without saying so: then what is stored is this very answer.
async function superseded(
  deps: RenewalDependencies,
  lease: HeldLease,
  sent: SentRefresh,
  tokens: Pick<RenewedTokens, 'grantJwe'>,
): Promise<RenewalOutcome> {
  await untilDone(deps, lease, () => keepForRevocation(deps.db, lease, tokens.grantJwe));
  const connection = await readConnection(deps.db, lease.key);
  const outcome = judgeConnection(connection, lease.seen) ?? { kind: 'busy' };
  const isOwn =
    outcome.kind === 'renewed' && outcome.versions.credentialVersion === lease.seen.credentialVersion;
  if (isOwn) logDone(deps, lease, sent, outcome.versions);
  else createRefreshLog(deps.logger, lease.key).failed('superseded');
  return outcome;
}

function logDone(
  { logger }: RenewalDependencies,
  { key }: HeldLease,
  { grantSeq, elapsedMs }: SentRefresh,
  versions: CredentialVersions,
): void {
  createRefreshLog(logger, key).done(grantSeq, versions, elapsedMs());
}

async function untilDone<T>(
  deps: RenewalDependencies,
  lease: HeldLease,
  write: () => Promise<T>,
): Promise<T> {
  let pause = FIRST_RETRY_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      createRefreshLog(deps.logger, lease.key).writeBackRetrying(attempt, error);
      await deps.clock.sleep(pause);
      pause = Math.min(pause * 2, LONGEST_RETRY_MS);
    }
  }
}
