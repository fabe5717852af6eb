import type { CredentialVersions } from '../../contracts/activities.ts';
import { backoffMs } from '../../contracts/backoff.ts';
import type { TokenAnswer } from '../../oauth/token-answer.ts';
import { type Grant, isNewer, openGrant } from '../credential.ts';
import { readConnection } from '../credential-store.ts';
import { keepForRevocation } from '../retirement/disconnect-credential.ts';
import { expiresInSeconds, lifetimeSeconds, renewAfterSeconds } from '../token-lifetime.ts';
import type { SentRefresh } from './refresh.ts';
import { outcomeFromStoredConnection, type RenewalOutcome } from './renewal-outcome.ts';
import {
  type AmendedGrant,
  type RenewedTokens,
  readAmendedGrant,
  type StoredRenewal,
  storeRenewal,
} from './renewal-store.ts';

const BACKOFF = { firstMs: 100, maxMs: 2_000 };

/**
 * Stores the answer of a refresh, and retries for as long as the process lives: the answer is the only copy of the new
 * tokens. A deposit of another token, or a disconnect, wins over it. Tokens that a deposit has superseded are dropped
 * and not revoked, because the same consent may share the grant; after a disconnect they are kept to be revoked. A
 * deposit of the same token with other fields does not win: the new refresh token is stored together with those fields.
 */
export async function writeBack(refresh: SentRefresh, answer: TokenAnswer): Promise<RenewalOutcome> {
  const { deps, lease, plan, intent } = refresh;
  const lifetime = lifetimeSeconds(answer.expiresIn);
  let base: MergeBase = { seen: lease.seen, grant: plan.grant, accessToken: 'of-answer' };
  for (;;) {
    const { seen } = base;
    const tokens = await sealTokens(refresh, base, answer);
    const stored = await retryUntilDone(refresh, () => {
      // The server counts the lifetime from its answer: the time until the answer is stored is part of it.
      const times = timesLeft(lifetime, refresh.elapsedMs() / 1000);
      // What was learned holds for the request that was sent, and an amended grant makes another request.
      const learned = seen === lease.seen && refresh.learned ? { learned: refresh.learned } : {};
      const keepsAccessToken = base.accessToken === 'of-deposit';
      const renewed = { ...tokens, ...times, keepsAccessToken, ...learned };
      return storeRenewal(deps.db, { ...lease, seen }, intent, renewed);
    });
    if (stored !== undefined) return handleStored(refresh, { stored, base, answer });
    const amended = await retryUntilDone(refresh, () => readAmendedGrant(deps.db, lease, intent));
    const isAmended = amended !== undefined && isNewer(amended.versions, seen);
    if (!isAmended) return handleSuperseded(refresh, tokens);
    base = await baseAfterDeposit(refresh, amended);
  }
}

function timesLeft(
  lifetime: number | undefined,
  passedSeconds: number,
): Pick<RenewedTokens, 'renewAfterSeconds' | 'expiresInSeconds'> {
  const renewAfter = renewAfterSeconds(lifetime);
  return {
    renewAfterSeconds: renewAfter === undefined ? undefined : renewAfter - passedSeconds,
    expiresInSeconds: expiresInSeconds(lifetime, passedSeconds),
  };
}

/** The stored grant that the answer is merged into. */
interface MergeBase {
  seen: CredentialVersions;
  grant: Grant;
  /**
   * The access token that is stored from now on. `of-deposit`: a deposit has stored one meanwhile, and it stays.
   * `none`: the deposit has changed what the answer's access token was requested with.
   */
  accessToken: 'of-answer' | 'of-deposit' | 'none';
}

async function baseAfterDeposit(
  { deps: { vault }, lease: { key, seen }, plan }: SentRefresh,
  { versions, grantJwe, hasGoodAccessToken }: AmendedGrant,
): Promise<MergeBase> {
  const opened = await openGrant(vault, key, grantJwe);
  // The new refresh token is worth more than fields that can't be read.
  const grant = opened.kind === 'opened' ? opened.grant : plan.grant;
  const isOtherRequest = grant.scopes !== plan.grant.scopes || grant.resource !== plan.grant.resource;
  // An access token that is older than the deposit is the one that was due or refused. Reported as renewed, it would be
  // used again.
  const isOfDeposit = versions.tokenVersion > seen.tokenVersion;
  if (hasGoodAccessToken && isOfDeposit) return { seen: versions, grant, accessToken: 'of-deposit' };
  return { seen: versions, grant, accessToken: isOtherRequest ? 'none' : 'of-answer' };
}

async function handleStored(
  refresh: SentRefresh,
  { stored, base, answer }: { stored: StoredRenewal; base: MergeBase; answer: TokenAnswer },
): Promise<RenewalOutcome> {
  const { deps, lease } = refresh;
  logDone(refresh, stored.versions);
  if (stored.recovered) await deps.onRecovered(lease.key, stored.versions.credentialVersion);
  if (base.accessToken === 'of-deposit') return { kind: 'renewed', versions: stored.versions };
  if (base.accessToken === 'none') return { kind: 'busy' };
  // The answer held a refresh token alone: it is stored, but there is no access token to call with yet.
  if (answer.accessToken === undefined) return { kind: 'unavailable', cause: 'no-access-token' };
  return { kind: 'renewed', versions: stored.versions };
}

async function sealTokens(
  { deps: { vault, keyRing }, lease: { key }, plan }: SentRefresh,
  base: MergeBase,
  answer: TokenAnswer,
): Promise<Omit<RenewedTokens, 'renewAfterSeconds' | 'expiresInSeconds' | 'learned'>> {
  const { refreshToken: sentToken } = plan.grant;
  const refreshToken = answer.refreshToken ?? sentToken;
  const rotated = refreshToken !== sentToken;
  const { accessToken, scope }: TokenAnswer = base.accessToken === 'none' ? {} : answer;
  return {
    grantJwe: await vault.seal('grant', key, { ...base.grant, refreshToken }),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    scopes: scope,
    fingerprint: keyRing.fingerprint(refreshToken, key),
    spentFingerprint: rotated ? keyRing.fingerprint(sentToken, key) : null,
  };
}

// Also reached if an earlier attempt to store has committed without a reply: then the stored tokens are this answer.
async function handleSuperseded(
  refresh: SentRefresh,
  tokens: Pick<RenewedTokens, 'grantJwe'>,
): Promise<RenewalOutcome> {
  const { deps, lease, log } = refresh;
  await retryUntilDone(refresh, () => keepForRevocation(deps.db, lease, tokens.grantJwe));
  const connection = await readConnection(deps.db, lease.key);
  const outcome = outcomeFromStoredConnection(connection, lease.seen) ?? { kind: 'busy' };
  const isOwnAnswer =
    outcome.kind === 'renewed' && outcome.versions.credentialVersion === lease.seen.credentialVersion;
  if (isOwnAnswer) logDone(refresh, outcome.versions);
  else log.failed('superseded');
  return outcome;
}

function logDone({ log, intent, elapsedMs }: SentRefresh, versions: CredentialVersions): void {
  log.done(intent, versions, elapsedMs());
}

async function retryUntilDone<T>({ deps, log }: SentRefresh, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      log.writeBackRetrying(attempt, error);
      await deps.clock.sleep(backoffMs(BACKOFF, attempt - 1));
    }
  }
}
