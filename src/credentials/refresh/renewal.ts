import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import { readConnection } from '../credential-store.ts';
import { refusedFor } from './end-renewal.ts';
import { holdLease } from './lease.ts';
import { createOperatorClientRefusals } from './operator-client-refusals.ts';
import { renewUnderLease } from './renew-under-lease.ts';
import type { LeaseDependencies, RenewalDependencies } from './renewal-dependencies.ts';
import { judgeConnection, type RenewalOutcome } from './renewal-outcome.ts';

export interface Renewal {
  /**
   * Makes sure that a newer token than `seen` is stored, by at most one refresh at a time across all
   * processes. Its own refresh is seen through to the write-back even if the caller loses interest; another's
   * is awaited for 2 s at most, then the answer is `busy`. While it drains, what would have to be sent is left
   * to other processes: `unavailable`.
   */
  renew(key: CredentialKey, seen: CredentialVersions): Promise<RenewalOutcome>;
  /**
   * From now on begins no refresh. Resolves when what has been sent is answered and stored: a process must not end
   * before.
   */
  drain(): Promise<void>;
  isDraining(): boolean;
}

const WAIT_FOR_ANOTHER_MS = 2_000;
/** A try takes a minute at most, and a process that drains has 90 s. */
const TRY_AGAIN_FOR_MS = 20_000;
const POLL_EVERY_MS = 200;

export function createRenewal(dependencies: RenewalDependencies): Renewal {
  const deps = { ...dependencies, operatorClientRefusals: createOperatorClientRefusals(dependencies) };
  // One look-out per token and process: a thousand steps of one user poll the database as one. Per token, since
  // what comes of an older one says nothing of a newer deposit.
  const flights = new Map<string, Promise<RenewalOutcome>>();
  let drainingSince: number | undefined;
  const isDraining = () => drainingSince !== undefined;
  // A second try can't be left to others: the grace period in which a server gives a lost answer again is short.
  const maySend = (tried: number) =>
    drainingSince === undefined || (tried > 1 && deps.clock.monotonicMs() - drainingSince < TRY_AGAIN_FOR_MS);

  function startFlight(id: string, key: CredentialKey, seen: CredentialVersions) {
    const flight = renewOrWait(deps, key, seen, maySend).finally(() => flights.delete(id));
    flights.set(id, flight);
    return flight;
  }

  return {
    async renew(key, seen) {
      const id = JSON.stringify([key.userId, key.mcpServerId, seen.credentialVersion, seen.tokenVersion]);
      const flight = flights.get(id);
      return flight === undefined ? startFlight(id, key, seen) : within(deps, flight);
    },
    async drain() {
      drainingSince ??= deps.clock.monotonicMs();
      while (flights.size > 0) await Promise.allSettled(flights.values());
    },
    isDraining,
  };
}

async function within(deps: RenewalDependencies, flight: Promise<RenewalOutcome>): Promise<RenewalOutcome> {
  const tired = deps.clock.sleep(WAIT_FOR_ANOTHER_MS).then((): RenewalOutcome => ({ kind: 'busy' }));
  return Promise.race([flight, tired]);
}

async function renewOrWait(
  deps: LeaseDependencies,
  key: CredentialKey,
  seen: CredentialVersions,
  maySend: (tried: number) => boolean,
): Promise<RenewalOutcome> {
  const tiredAt = deps.clock.monotonicMs() + WAIT_FOR_ANOTHER_MS;
  do {
    const connection = await readConnection(deps.db, key);
    const verdict = judgeConnection(connection, seen);
    if (verdict !== undefined || connection === undefined) return verdict ?? { kind: 'busy' };
    // Refused a moment ago: the lease is not even taken.
    const { refreshInMs } = connection.credential;
    if (refreshInMs > 0) return refusedFor(refreshInMs);
    // Fenced by what was judged: that is `seen`, or newer without an access token.
    const lease = await holdLease(deps, key, connection.credential.versions);
    if (lease !== undefined) return await renewUnderLease(deps, connection, lease, maySend);
    await deps.clock.sleep(POLL_EVERY_MS);
  } while (deps.clock.monotonicMs() < tiredAt);
  return { kind: 'busy' };
}
