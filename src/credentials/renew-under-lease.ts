import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionReason } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logger.ts';
import type { GuardedFetch } from '../net/network.ts';
import type { AuthorizationServerLookup } from '../oauth/discovery.ts';
import { type RefreshGrantOutcome, refreshGrant } from '../oauth/refresh-grant.ts';
import type { KeyRing } from '../vault/key-ring.ts';
import type { Vault } from '../vault/vault.ts';
import { type Clock, startStopwatch } from './clock.ts';
import { isNewer } from './credential.ts';
import { type Connection, readConnection } from './credential-store.ts';
import type { HeldLease } from './lease.ts';
import { clearIntent, markReauthRequired, recordIntent, SEND_WITHIN_SECONDS } from './lease-store.ts';
import { prepareRefresh, type RefreshPlan } from './prepare-refresh.ts';
import { createRefreshLog, type RefreshLog, type SentRefresh } from './refresh-log.ts';
import { judgeConnection, type RenewalOutcome } from './renewal-outcome.ts';
import { writeBack } from './write-back.ts';

export interface RenewalDependencies {
  db: Db;
  vault: Vault;
  keyRing: KeyRing;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  clock: Clock;
  logger: Logger;
  /** A renewal cleared `reauth-required`: wakes the steps that wait. Must not throw. */
  onRecovered: (key: CredentialKey, version: number) => Promise<void>;
}

const TRIES = 3;
const TRY_AGAIN_WITHIN_MS = 5_000;

/**
 * Sends the refresh and stores what comes of it. The lease is given back in any case.
 *
 * @param maySend asked before each try, the first of which is 1: not while the process drains
 */
export async function renewUnderLease(
  deps: RenewalDependencies,
  connection: Connection,
  lease: HeldLease,
  maySend: (tried: number) => boolean,
): Promise<RenewalOutcome> {
  try {
    if (lease.unfinished) logOf(deps, lease).takenOver();
    const plan = await prepareRefresh(deps, connection, lease.key);
    switch (plan.kind) {
      case 'ready':
        return await refresh(deps, lease, plan, maySend);
      case 'reauth-required':
        logOf(deps, lease).failed(plan.reason);
        return await endWithVerdict(deps, lease, plan.reason);
      case 'misconfigured':
        logOf(deps, lease).failed('misconfigured', plan.message);
        return await misconfigured(deps, lease, plan.message);
      case 'key-missing':
        logOf(deps, lease).failed('key-missing', `encryption key ${plan.kid} is not configured`);
        return plan;
      case 'unavailable':
        logOf(deps, lease).failed(plan.cause);
        return plan;
      default:
        return plan satisfies never;
    }
  } finally {
    await lease.release();
  }
}

// A server with a grace period gives the tokens of a lost answer again to whoever asks soon. After somebody
// else's unfinished refresh one try is all: the first one may have been theirs.
async function refresh(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  maySend: (tried: number) => boolean,
): Promise<RenewalOutcome> {
  let outcomeLost = lease.unfinished;
  let giveUpAt = Number.POSITIVE_INFINITY;
  for (let tried = 1; ; tried++) {
    // Its answer, the only copy of the new token, might come when the process is not waited for any more.
    if (!maySend(tried)) return unavailable({ cause: 'draining' });
    const intent = await sendWithIntent(deps, lease, plan);
    if (intent === undefined) return { kind: 'busy' };
    const { outcome, sent } = intent;
    if (outcome.kind !== 'unusable') return conclude(deps, lease, plan, sent, outcome, outcomeLost);
    logOf(deps, lease).failed(outcome.cause);
    giveUpAt = Math.min(giveUpAt, deps.clock.monotonicMs() + TRY_AGAIN_WITHIN_MS);
    const isLastTry = lease.unfinished || tried === TRIES || outcome.retryAfterMs !== undefined;
    if (isLastTry || deps.clock.monotonicMs() > giveUpAt) return unavailable(outcome);
    outcomeLost = true;
  }
}

async function sendWithIntent(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
): Promise<{ sent: SentRefresh; outcome: RefreshGrantOutcome } | undefined> {
  // The time is taken before the database judges the lease, so that a freeze at any point counts.
  const elapsedMs = startStopwatch(deps.clock);
  const grantSeq = await recordIntent(deps.db, lease);
  if (grantSeq === undefined) return undefined;
  logOf(deps, lease).started(grantSeq);
  const beforeFirstByte = () => {
    if (elapsedMs() > SEND_WITHIN_SECONDS * 1000) throw new Error('the lease may be over');
  };
  const outcome = await refreshGrant(deps.guardedFetch, { ...plan.request, beforeFirstByte });
  return { sent: { grantSeq, elapsedMs }, outcome };
}

async function conclude(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  sent: SentRefresh,
  outcome: Exclude<RefreshGrantOutcome, { kind: 'unusable' }>,
  outcomeLost: boolean,
): Promise<RenewalOutcome> {
  switch (outcome.kind) {
    case 'tokens':
      return writeBack(deps, lease, plan, sent, outcome.answer);
    case 'oauth-error':
      return concludeError(deps, lease, plan, sent.grantSeq, outcome.error, outcomeLost);
    case 'not-sent':
    case 'rate-limited':
      await clearIntent(deps.db, lease, sent.grantSeq);
      logOf(deps, lease).failed(outcome.kind === 'not-sent' ? outcome.cause : outcome.kind);
      return unavailable(outcome.kind === 'not-sent' ? outcome : { cause: 'rate-limited', ...outcome });
    default:
      return outcome satisfies never;
  }
}

async function concludeError(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  intent: number,
  error: string,
  outcomeLost: boolean,
): Promise<RenewalOutcome> {
  logOf(deps, lease).failed(codeOf(error));
  switch (error) {
    case 'invalid_grant':
    case 'bad_refresh_token': // GitHub's word for it
      // A lost answer may still be brought back, and what was sent after it was a spent token: a server that
      // detects reuse has revoked what comes back. The intent stays, so that the user is told the same then.
      if (outcomeLost) return endWithVerdict(deps, lease, 'refresh-outcome-lost');
      await clearIntent(deps.db, lease, intent);
      return endWithVerdict(deps, lease, 'invalid-grant');
    case 'invalid_client':
    case 'unauthorized_client':
      await clearIntent(deps.db, lease, intent);
      return plan.isOperatorClient
        ? refused(deps, lease, error)
        : endWithVerdict(deps, lease, 'invalid-client');
    case 'invalid_target':
    case 'invalid_scope':
    case 'invalid_request':
    case 'unsupported_grant_type':
      await clearIntent(deps.db, lease, intent);
      return refused(deps, lease, error);
    default:
      // temporarily_unavailable, server_error and words of their own: no verdict on the grant.
      return { kind: 'unavailable', cause: 'oauth-error' };
  }
}

function refused(deps: RenewalDependencies, lease: HeldLease, error: string): Promise<RenewalOutcome> {
  return misconfigured(deps, lease, `the authorization server refuses the refresh: ${error}`);
}

// It ends steps for good, so it must be said of the credential that is stored now.
async function misconfigured(
  deps: RenewalDependencies,
  lease: HeldLease,
  message: string,
): Promise<RenewalOutcome> {
  const connection = await readConnection(deps.db, lease.key);
  const hasMovedOn = connection !== undefined && isNewer(connection.credential.versions, lease.seen);
  if (!hasMovedOn) return { kind: 'misconfigured', message };
  return judgeConnection(connection, lease.seen) ?? { kind: 'busy' };
}

// The mark is fenced by lease and token version: if it does not take, somebody else has moved on meanwhile,
// and what the store says now is the answer.
async function endWithVerdict(
  deps: RenewalDependencies,
  lease: HeldLease,
  reason: ConnectionReason,
): Promise<RenewalOutcome> {
  if (await markReauthRequired(deps.db, lease, reason)) {
    return { kind: 'reauth-required', seen: lease.seen, reason };
  }
  const connection = await readConnection(deps.db, lease.key);
  return judgeConnection(connection, lease.seen) ?? { kind: 'busy' };
}

function unavailable(failure: { cause: string; retryAfterMs?: number }): RenewalOutcome {
  const { cause, retryAfterMs } = failure;
  return { kind: 'unavailable', cause, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

// What looks like no code may be anything, also what was sent.
function codeOf(error: string): string {
  return /^[a-z_]{1,40}$/.test(error) ? error : 'oauth-error';
}

function logOf({ logger }: RenewalDependencies, { key }: HeldLease): RefreshLog {
  return createRefreshLog(logger, key);
}
