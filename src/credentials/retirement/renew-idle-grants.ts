import type { IdleRenewals } from '../../contracts/background-activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Renewal } from '../refresh/renewal.ts';
import type { RenewalOutcome } from '../refresh/renewal-outcome.ts';
import { type IdleGrant, takeIdleGrants } from './idle-grant-store.ts';

export interface IdleRenewalDependencies {
  db: Db;
  renewal: Renewal;
  logger: Logger;
}

/** Per server. Few, because its authorization server must also serve its users. */
const CONCURRENCY = 4;
/** The most grants of one server in one run of the schedule. */
const MAX_PER_RUN = 1_000;
/**
 * The run ends after this many renewals in a row without a usable answer, or with an error that only the operator can
 * fix. An authorization server that does not know the client must not refuse it a thousand times every five minutes.
 */
const MAX_CONSECUTIVE_FAILURES = 8;

/**
 * Renews the due grants of one server, through the same lease as steps do. Ends when no grant is left or a limit of the
 * run is reached, when the authorization server does not answer, limits the rate or refuses the client, when the
 * process drains, or when `stop` is aborted. Grants without a failed try come first, so that grants that can't be
 * renewed do not hold up the others.
 */
export async function renewIdleGrants(
  deps: IdleRenewalDependencies,
  mcpServerId: string,
  stop: AbortSignal,
): Promise<IdleRenewals> {
  const run = createRun();
  const isOver = () => stop.aborted || deps.renewal.isDraining() || run.isOver();
  for (const again of [false, true]) {
    while (!isOver()) {
      const grants = await takeIdleGrants(deps.db, mcpServerId, { again, limit: CONCURRENCY });
      if (grants.length === 0) break;
      await Promise.all(grants.map(async (grant) => run.count(await renew(deps, grant))));
    }
  }
  deps.logger.info({ event: 'idle-grants.renewed', mcpServerId, ...run.renewals }, 'idle-grants.renewed');
  return run.renewals;
}

// A grant that another process has renewed since counts as renewed, and nothing is sent.
async function renew({ renewal, logger }: IdleRenewalDependencies, grant: IdleGrant) {
  try {
    return await renewal.renew(grant.key, grant.seen);
  } catch (error) {
    // A bug or a database failure. The other grants are still tried.
    logger.error({ err: error, ...grant.key }, 'an idle grant could not be renewed');
    return 'failed';
  }
}

type Kind = RenewalOutcome['kind'] | 'failed';

/** No usable answer, or an error that only the operator can fix. */
const FAILURES: readonly Kind[] = ['unavailable', 'misconfigured', 'key-missing'];

function createRun() {
  const renewals: IdleRenewals = { renewed: 0, reauthRequired: 0, postponed: 0 };
  let consecutiveFailures = 0;
  let rateLimited = false;
  return {
    renewals,
    isOver: () =>
      rateLimited ||
      consecutiveFailures >= MAX_CONSECUTIVE_FAILURES ||
      renewals.renewed + renewals.reauthRequired + renewals.postponed >= MAX_PER_RUN,
    count(outcome: RenewalOutcome | 'failed') {
      const kind: Kind = outcome === 'failed' ? 'failed' : outcome.kind;
      if (kind === 'renewed') renewals.renewed += 1;
      else if (kind === 'reauth-required') renewals.reauthRequired += 1;
      else renewals.postponed += 1;
      if (FAILURES.includes(kind)) consecutiveFailures += 1;
      else if (kind === 'renewed' || kind === 'reauth-required') consecutiveFailures = 0;
      rateLimited ||= isRateLimited(outcome);
    },
  };
}

function isRateLimited(outcome: RenewalOutcome | 'failed'): boolean {
  // The refusal of one grant says nothing about the others.
  if (outcome === 'failed' || outcome.kind !== 'unavailable' || outcome.isRefused) return false;
  return outcome.retryAfterMs !== undefined || outcome.cause === 'rate-limited';
}
