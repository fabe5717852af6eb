import type { CredentialVersions } from '../../contracts/activities.ts';
import type { TokenAnswer } from '../../oauth/refresh-grant.ts';
import { type Grant, isNewer } from '../credential.ts';
import { readConnection } from '../credential-store.ts';
import { openGrant } from '../open-grant.ts';
import { keepForRevocation } from '../retirement/disconnect-credential.ts';
import { expiresInSeconds, lifetimeSeconds, renewAfterSeconds } from '../token-lifetime.ts';
import type { HeldLease } from './lease.ts';
import {
  type AmendedGrant,
  type RenewedTokens,
  readAmendedGrant,
  type StoredRenewal,
  storeRenewal,
} from './lease-store.ts';
import type { RefreshPlan } from './prepare-refresh.ts';
import { createRefreshLog, type SentRefresh } from './refresh-log.ts';
import type { RenewalDependencies } from './renewal-dependencies.ts';
import { judgeConnection, type RenewalOutcome } from './renewal-outcome.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

/**
 * Stores the answer of a refresh, for as long as it takes: it is the only copy of the new tokens. A newer
 * deposit or disconnect wins over it. Tokens that a deposit superseded are dropped and not revoked, because
 * the same consent may share the grant; after a disconnect they are what is to be revoked. A deposit that changed
 * other fields of this very grant does not win: the new refresh token is stored together with them.
 */
export async function writeBack(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  sent: SentRefresh,
  answer: TokenAnswer,
): Promise<RenewalOutcome> {
  const lifetime = lifetimeSeconds(answer.expiresIn);
  let base: Base = { seen: lease.seen, grant: plan.grant, accessToken: 'brought' };
  for (;;) {
    const { seen } = base;
    const tokens = await sealAnswer(deps, lease, plan, base, answer);
    const stored = await untilDone(deps, lease, () => {
      // The server counts from when it answered: a long way here, or to the database, is part of the token's time.
      const times = timesOf(lifetime, sent.elapsedMs() / 1000);
      // What was learned of the endpoint is about what was sent, which a deposit has changed meanwhile.
      const learned = seen === lease.seen && sent.learned ? { learned: sent.learned } : {};
      const keepsAccessToken = base.accessToken === 'kept';
      const renewed = { ...tokens, ...times, keepsAccessToken, ...learned };
      return storeRenewal(deps.db, { ...lease, seen }, sent.grantSeq, renewed);
    });
    if (stored !== undefined) return concludeStored(deps, lease, sent, { stored, base, answer });
    const amended = await untilDone(deps, lease, () => readAmendedGrant(deps.db, lease, sent.grantSeq));
    const isAmended = amended !== undefined && isNewer(amended.versions, seen);
    if (!isAmended) return superseded(deps, lease, sent, tokens);
    base = await baseOf(deps, lease, plan, amended);
  }
}

function timesOf(
  lifetime: number | undefined,
  passed: number,
): Pick<RenewedTokens, 'renewAfterSeconds' | 'expiresInSeconds'> {
  const renewAfter = renewAfterSeconds(lifetime);
  return {
    renewAfterSeconds: renewAfter === undefined ? undefined : renewAfter - passed,
    expiresInSeconds: expiresInSeconds(lifetime, passed),
  };
}

/** The stored grant that an answer is merged into. */
interface Base {
  seen: CredentialVersions;
  grant: Grant;
  /**
   * What is called with from now on. `brought`: what came with the answer. `kept`: what a deposit has brought meanwhile.
   * `dropped`: nothing, because the deposit has changed what is to be asked for.
   */
  accessToken: 'brought' | 'kept' | 'dropped';
}

async function baseOf(
  { vault }: RenewalDependencies,
  { key, seen }: HeldLease,
  plan: RefreshPlan,
  { versions, grantJwe, hasGoodAccessToken }: AmendedGrant,
): Promise<Base> {
  const opened = await openGrant(vault, key, grantJwe);
  // The new token is worth more than fields that can't be read.
  const grant = opened?.kind === 'opened' ? opened.grant : plan.grant;
  // The access token that came was asked for with what the deposit has changed.
  const asksForOther = grant.scopes !== plan.grant.scopes || grant.resource !== plan.grant.resource;
  // The token of before is what the refresh was for: it was due, or refused. Told as renewed, it would be used again.
  const isOfDeposit = versions.tokenVersion > seen.tokenVersion;
  if (hasGoodAccessToken && isOfDeposit) return { seen: versions, grant, accessToken: 'kept' };
  return { seen: versions, grant, accessToken: asksForOther ? 'dropped' : 'brought' };
}

async function concludeStored(
  deps: RenewalDependencies,
  lease: HeldLease,
  sent: SentRefresh,
  { stored, base, answer }: { stored: StoredRenewal; base: Base; answer: TokenAnswer },
): Promise<RenewalOutcome> {
  logDone(deps, lease, sent, stored.versions);
  if (stored.recovered) await deps.onRecovered(lease.key, stored.versions.credentialVersion);
  if (base.accessToken === 'kept') return { kind: 'renewed', versions: stored.versions };
  if (base.accessToken === 'dropped') return { kind: 'busy' };
  // Only a refresh token came: it is safe now, but there is nothing to call with yet.
  if (answer.accessToken === undefined) return { kind: 'unavailable', cause: 'no-access-token' };
  return { kind: 'renewed', versions: stored.versions };
}

async function sealAnswer(
  { vault, keyRing }: RenewalDependencies,
  { key }: HeldLease,
  plan: RefreshPlan,
  base: Base,
  answer: TokenAnswer,
): Promise<Omit<RenewedTokens, 'renewAfterSeconds' | 'expiresInSeconds' | 'learned'>> {
  const { refreshToken: sentToken } = plan.grant;
  const refreshToken = answer.refreshToken ?? sentToken;
  const rotated = refreshToken !== sentToken;
  const { accessToken, scope }: TokenAnswer = base.accessToken === 'dropped' ? {} : answer;
  return {
    grantJwe: await vault.seal('grant', key, { ...base.grant, refreshToken }),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    scopes: scope,
    fingerprint: keyRing.fingerprint(refreshToken, key),
    spentFingerprint: rotated ? keyRing.fingerprint(sentToken, key) : null,
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
