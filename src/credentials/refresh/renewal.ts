/**
 * Renews access tokens, for calls whose token is due or was refused, and for idle grants. Code outside this folder
 * enters here and by `fresh-token.ts`; it needs the outcomes of `renewal-outcome.ts` and the types of `refresh.ts`, and
 * must not take a lease or send a refresh by itself. `lease.ts` has the states of a refresh, `token-endpoint-errors.ts`
 * what each error leads to.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import { keyValues } from '../credential-key.ts';
import { readConnection } from '../credential-store.ts';
import { refusedUntil } from './end-renewal.ts';
import { holdLease } from './lease.ts';
import { createOperatorClientRefusals } from './operator-client-refusals.ts';
import type { Refresh, RefreshDependencies, RenewalDependencies } from './refresh.ts';
import { createRefreshLog } from './refresh-log.ts';
import { renewUnderLease } from './renew-under-lease.ts';
import { outcomeFromStoredConnection, type RenewalOutcome } from './renewal-outcome.ts';

export interface Renewal {
  /**
   * Makes sure that a newer token than `seen` is stored, by at most one refresh at a time across all processes. This
   * process's own refresh continues until its answer is stored, even if the caller stops waiting. The refresh of
   * another process is awaited for 2 s, then the outcome is `busy`. While this process drains, it sends no new refresh
   * and leaves it to other processes: `unavailable`.
   */
  renew(key: CredentialKey, seen: CredentialVersions): Promise<RenewalOutcome>;
  /**
   * Stops new refreshes. Resolves when every answer to a sent refresh is stored: the process must not end before.
   */
  drain(): Promise<void>;
  isDraining(): boolean;
}

const WAIT_FOR_ANOTHER_MS = 2_000;
const POLL_INTERVAL_MS = 200;
/** How long a draining process may send a refresh again: one try takes a minute at most, and the process has 90 s. */
const DRAIN_RETRY_WINDOW_MS = 20_000;

export function createRenewal(dependencies: RenewalDependencies): Renewal {
  const deps = { ...dependencies, operatorClientRefusals: createOperatorClientRefusals(dependencies) };
  // One flight for each token and process, so that a thousand steps of one user poll the database as one. The token is
  // part of the id because the outcome for an older token says nothing about a newer deposit.
  const flights = new Map<string, Promise<RenewalOutcome>>();
  let drainingSince: number | undefined;
  const isDraining = () => drainingSince !== undefined;
  // A second try can't be left to another process: the server repeats a lost answer for a short time only.
  const maySend = (n: number) =>
    drainingSince === undefined ||
    (n > 1 && deps.clock.monotonicMs() - drainingSince < DRAIN_RETRY_WINDOW_MS);

  function startFlight(id: string, key: CredentialKey, seen: CredentialVersions) {
    const flight = renewOrWait(deps, key, seen, maySend).finally(() => flights.delete(id));
    flights.set(id, flight);
    return flight;
  }

  return {
    async renew(key, seen) {
      const id = JSON.stringify([...keyValues(key), seen.credentialVersion, seen.tokenVersion]);
      const flight = flights.get(id);
      return flight === undefined ? startFlight(id, key, seen) : joinFlight(deps, flight);
    },
    async drain() {
      drainingSince ??= deps.clock.monotonicMs();
      while (flights.size > 0) await Promise.allSettled(flights.values());
    },
    isDraining,
  };
}

async function joinFlight(
  deps: RenewalDependencies,
  flight: Promise<RenewalOutcome>,
): Promise<RenewalOutcome> {
  const timeout = deps.clock.sleep(WAIT_FOR_ANOTHER_MS).then((): RenewalOutcome => ({ kind: 'busy' }));
  return Promise.race([flight, timeout]);
}

/** Counts what this process did itself, so that no renewal is counted twice. */
async function measured(refresh: Refresh, maySend: (n: number) => boolean): Promise<RenewalOutcome> {
  const { clock, metrics } = refresh.deps;
  const startedAt = clock.monotonicMs();
  const outcome = await renewUnderLease(refresh, maySend);
  metrics?.renewed(refresh.lease.key.mcpServerId, outcome.kind, (clock.monotonicMs() - startedAt) / 1000);
  return outcome;
}

async function renewOrWait(
  deps: RefreshDependencies,
  key: CredentialKey,
  seen: CredentialVersions,
  maySend: (n: number) => boolean,
): Promise<RenewalOutcome> {
  const log = createRefreshLog(deps.logger, key);
  const deadline = deps.clock.monotonicMs() + WAIT_FOR_ANOTHER_MS;
  do {
    const connection = await readConnection(deps.db, key);
    const stored = outcomeFromStoredConnection(connection, seen);
    if (stored !== undefined || connection === undefined) return stored ?? { kind: 'busy' };
    // After a recent refusal, the lease is not even taken.
    const { refreshInMs } = connection.credential;
    if (refreshInMs > 0) return refusedUntil(refreshInMs);
    // The lease is fenced by the versions just read: those of `seen`, or newer ones without an access token.
    const lease = await holdLease(deps, key, connection.credential.versions);
    if (lease !== undefined) return await measured({ deps, connection, lease, log }, maySend);
    await deps.clock.sleep(POLL_INTERVAL_MS);
  } while (deps.clock.monotonicMs() < deadline);
  return { kind: 'busy' };
}
