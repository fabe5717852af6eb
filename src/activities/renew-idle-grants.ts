import { Context } from '@temporalio/activity';
import { withDeadline } from '../async/deadline.ts';
import type { IdleRenewals, RenewIdleGrantsInput } from '../contracts/activities.ts';
import {
  type IdleRenewalDependencies,
  renewIdleGrants as renewGrants,
} from '../credentials/retirement/renew-idle-grants.ts';
import { heartbeating } from './heartbeating.ts';

/** What is left then, the next run of the schedule finds. */
const TIME_BUDGET_MS = 4 * 60_000;

/** Renews what is due of one server's grants, for some minutes at most. Begins nothing more once it is cancelled. */
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
