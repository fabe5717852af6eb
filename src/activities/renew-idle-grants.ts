import { Context } from '@temporalio/activity';
import { withDeadline } from '../async/deadline.ts';
import type { IdleRenewals, RenewIdleGrantsInput } from '../contracts/background-activities.ts';
import { listServersWithIdleGrants as listServers } from '../credentials/retirement/idle-grant-store.ts';
import {
  type IdleRenewalDependencies,
  renewIdleGrants as renewGrants,
} from '../credentials/retirement/renew-idle-grants.ts';
import type { Db } from '../db/pool.ts';
import { heartbeating } from './activity-context.ts';

const PAGE_SIZE = 100;
/** The next run of the schedule renews the rest. */
const TIME_BUDGET_MS = 4 * 60_000;

/** Returns the ids of the servers with grants to renew, in order, one page after `after`. An empty page is the last. */
export function createListServersWithIdleGrants({ db }: { db: Db }) {
  return async function listServersWithIdleGrants(input: { after: string }): Promise<string[]> {
    return listServers(db, { after: input.after, limit: PAGE_SIZE });
  };
}

/** Renews the due grants of one server, for at most four minutes. Starts no renewal after it is cancelled. */
export function createRenewIdleGrants(deps: IdleRenewalDependencies) {
  return async function renewIdleGrants({ mcpServerId }: RenewIdleGrantsInput): Promise<IdleRenewals> {
    const { cancelled, cancellationSignal } = Context.current();
    const limit = { ms: TIME_BUDGET_MS, parent: cancellationSignal };
    const renewals = await withDeadline(limit, (stop) =>
      heartbeating(() => renewGrants(deps, mcpServerId, stop)),
    );
    return cancellationSignal.aborted ? cancelled : renewals;
  };
}
