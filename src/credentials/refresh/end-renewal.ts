import type { ConnectionReason } from '../../contracts/step.ts';
import { isNewer } from '../credential.ts';
import { readConnection } from '../credential-store.ts';
import type { HeldLease } from './lease.ts';
import { countRefusal, markReauthRequired } from './lease-store.ts';
import type { RenewalDependencies } from './renewal-dependencies.ts';
import { judgeConnection, type RenewalOutcome } from './renewal-outcome.ts';

/**
 * Asks the user. The mark is fenced by lease and token version: if it does not take, somebody else has moved on
 * meanwhile, and what the store says now is the answer.
 */
export async function endWithVerdict(
  deps: Pick<RenewalDependencies, 'db'>,
  lease: HeldLease,
  reason: ConnectionReason,
): Promise<RenewalOutcome> {
  if (await markReauthRequired(deps.db, lease, reason)) {
    return { kind: 'reauth-required', seen: lease.seen, reason };
  }
  return asStored(deps, lease);
}

/** Leaves it to the operator. It ends steps for good, so it must be said of the credential that is stored now. */
export async function misconfigured(
  deps: Pick<RenewalDependencies, 'db'>,
  lease: HeldLease,
  verdict: { message: string; clientRefused?: string },
): Promise<RenewalOutcome> {
  const connection = await readConnection(deps.db, lease.key);
  const hasMovedOn = connection !== undefined && isNewer(connection.credential.versions, lease.seen);
  if (!hasMovedOn) return { kind: 'misconfigured', ...verdict };
  return judgeConnection(connection, lease.seen) ?? { kind: 'busy' };
}

/** Twice more, within about a minute of the first refusal: then somebody has to look. */
const ASK_AGAIN_AFTER_SECONDS = [20, 30] as const;

/**
 * Asks again later, or the user, after a refusal in words that nobody knows. The count and the time are in the row, so
 * that all processes and steps together ask three times.
 *
 * @param retryAfterMs what the endpoint wants
 */
export async function askAgainOrUser(
  deps: Pick<RenewalDependencies, 'db'>,
  lease: HeldLease,
  retryAfterMs = 0,
): Promise<RenewalOutcome> {
  const waits = ASK_AGAIN_AFTER_SECONDS.map((seconds) => Math.max(seconds, retryAfterMs / 1000));
  const times = await countRefusal(deps.db, lease, waits);
  if (times === undefined) return asStored(deps, lease);
  const waitSeconds = waits[times - 1];
  if (waitSeconds === undefined) return endWithVerdict(deps, lease, 'refresh-refused');
  return refusedFor(waitSeconds * 1000);
}

/** The endpoint is asked again after so long, whoever asks. */
export function refusedFor(ms: number): RenewalOutcome {
  return { kind: 'unavailable', cause: 'refused', retryAfterMs: ms, isRefused: true };
}

export function unavailable(failure: { cause: string; retryAfterMs?: number }): RenewalOutcome {
  const { cause, retryAfterMs } = failure;
  return { kind: 'unavailable', cause, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

async function asStored(deps: Pick<RenewalDependencies, 'db'>, lease: HeldLease): Promise<RenewalOutcome> {
  const connection = await readConnection(deps.db, lease.key);
  return judgeConnection(connection, lease.seen) ?? { kind: 'busy' };
}
