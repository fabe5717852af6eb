import type { TokenAnswer } from '../oauth/refresh-grant.ts';
import { readConnection } from './credential-store.ts';
import { keepForRevocation } from './disconnect-credential.ts';
import type { HeldLease } from './lease.ts';
import { type RenewedTokens, storeRenewal } from './lease-store.ts';
import type { RefreshPlan } from './prepare-refresh.ts';
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
  intent: number,
  answer: TokenAnswer,
): Promise<RenewalOutcome> {
  const tokens = await sealAnswer(deps, lease, plan, answer);
  const stored = await untilDone(deps, lease, () => storeRenewal(deps.db, lease, intent, tokens));
  if (stored === undefined) return superseded(deps, lease, tokens);
  deps.logger.info({ event: 'refresh.done', ...lease.key, ...stored.versions }, 'refresh.done');
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
): Promise<RenewedTokens> {
  const refreshToken = answer.refreshToken ?? grant.refreshToken;
  const rotated = refreshToken !== grant.refreshToken;
  const { accessToken } = answer;
  return {
    grantJwe: await vault.seal('grant', key, { ...grant, refreshToken }),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    renewAfterSeconds: renewAfterSeconds(lifetimeSeconds(answer.expiresIn)),
    scopes: answer.scope,
    fingerprint: keyRing.fingerprint(refreshToken, key),
    spentFingerprint: rotated ? keyRing.fingerprint(grant.refreshToken, key) : null,
  };
}

// Also where an attempt to store committed without saying so: then what is stored is this very answer.
async function superseded(
  deps: RenewalDependencies,
  lease: HeldLease,
  tokens: RenewedTokens,
): Promise<RenewalOutcome> {
  await untilDone(deps, lease, () => keepForRevocation(deps.db, lease, tokens.grantJwe));
  const connection = await readConnection(deps.db, lease.key);
  return judgeConnection(connection, lease.seen) ?? { kind: 'busy' };
}

async function untilDone<T>(
  deps: RenewalDependencies,
  lease: HeldLease,
  write: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
    try {
      return await write();
    } catch (error) {
      deps.logger.error({ event: 'writeback.retrying', err: error, ...lease.key }, 'writeback.retrying');
      await deps.clock.sleep(pause);
    }
  }
}
