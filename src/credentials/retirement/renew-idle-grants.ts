import type { IdleRenewals } from '../../contracts/activities.ts';
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

/** Of one server's grants: its authorization server has users to serve, too. */
const AT_ONCE = 4;
/** Of one server's grants in one run of the schedule. */
const AT_MOST = 1_000;
/**
 * So many in a row without a usable answer, or that only the operator can mend, and the authorization server is left
 * alone until the next run: a client that it does not know is not to be refused a thousand times every five minutes.
 */
const IN_VAIN_AT_MOST = 8;

/**
 * Renews what is due of one server's grants, through the same lease as steps do, until nothing is left, it is
 * enough for one run, the authorization server does not answer or refuses its client, the process drains, or `stop`
 * is aborted. First what was not tried yet: grants that can't be renewed, however many, do not hold up the others.
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
      const grants = await takeIdleGrants(deps.db, mcpServerId, { again, limit: AT_ONCE });
      if (grants.length === 0) break;
      await Promise.all(grants.map(async (grant) => run.count(await renew(deps, grant))));
    }
  }
  deps.logger.info({ event: 'idle-grants.renewed', mcpServerId, ...run.renewals }, 'idle-grants.renewed');
  return run.renewals;
}

// Renewed since it was found to be due, whoever did it: then nothing is sent, and it counts as renewed.
async function renew({ renewal, logger }: IdleRenewalDependencies, grant: IdleGrant) {
  try {
    return await renewal.renew(grant.key, grant.seen);
  } catch (error) {
    // A bug, or the database: it must not end the run for the others.
    logger.error({ err: error, ...grant.key }, 'an idle grant could not be renewed');
    return 'failed';
  }
}

type Kind = RenewalOutcome['kind'] | 'failed';

const IN_VAIN: readonly Kind[] = ['unavailable', 'misconfigured', 'key-missing'];

function createRun() {
  const renewals: IdleRenewals = { renewed: 0, reauthRequired: 0, postponed: 0 };
  let inVain = 0;
  let toldToWait = false;
  return {
    renewals,
    isOver: () =>
      toldToWait ||
      inVain >= IN_VAIN_AT_MOST ||
      renewals.renewed + renewals.reauthRequired + renewals.postponed >= AT_MOST,
    count(outcome: RenewalOutcome | 'failed') {
      const kind: Kind = outcome === 'failed' ? 'failed' : outcome.kind;
      if (kind === 'renewed') renewals.renewed += 1;
      else if (kind === 'reauth-required') renewals.reauthRequired += 1;
      else renewals.postponed += 1;
      if (IN_VAIN.includes(kind)) inVain += 1;
      else if (kind === 'renewed' || kind === 'reauth-required') inVain = 0;
      toldToWait ||= isToldToWait(outcome);
    },
  };
}

function isToldToWait(outcome: RenewalOutcome | 'failed'): boolean {
  // One grant that is refused says nothing of the others.
  if (outcome === 'failed' || outcome.kind !== 'unavailable' || outcome.isRefused) return false;
  return outcome.retryAfterMs !== undefined || outcome.cause === 'rate-limited';
}
