import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { withDeadline } from '../async/deadline.ts';
import { deleteOldAuditEvents } from '../audit/audit-log.ts';
import { deleteUnwatched } from '../changes/watched-user-store.ts';
import { deleteRegistrationsOfRemovedServers } from '../connect/clients/registration-store.ts';
import {
  deleteOldAuthorizations,
  deleteOldSessions,
  dropOldPendingDeposits,
} from '../connect/sessions/expired-sessions.ts';
import type { DeletedRows } from '../contracts/background-activities.ts';
import { abandonStaleRevocations } from '../credentials/retirement/disconnect-credential.ts';
import { purgeTombstones } from '../credentials/retirement/tombstone-store.ts';
import type { Pool } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { deleteOldResults } from '../results/result-store.ts';
import { deleteExpiredSignIns } from '../web/oidc/sign-in-store.ts';
import { deleteExpiredSessions } from '../web/session-store.ts';
import { deleteExpiredSignInLinks } from '../web/sign-in-link-store.ts';
import { deleteOldConnectionEvents } from '../webhooks/connection-event-store.ts';
import { heartbeating } from './activity-context.ts';
import { type DeleteBatch, deleteInRounds } from './delete-in-rounds.ts';
import { removeEndedWaiters } from './waiters.ts';

/** In days. */
export interface Retention {
  resultRetentionDays: number;
  tombstoneRetentionDays: number;
  waiterRetentionDays: number;
  auditRetentionDays: number;
}

export interface DeleteExpiredDependencies {
  pool: Pool;
  client: Client;
  logger: Logger;
  retention: Retention;
}

/**
 * Short, so that the next run of the schedule, 30 s later, is not skipped: it also starts lost resumptions. It deletes
 * what is left as well.
 */
const TIME_BUDGET_MS = 15_000;

/** Deletes expired rows, as many as the time budget allows. */
export function createDeleteExpired(deps: DeleteExpiredDependencies) {
  return async function deleteExpired(): Promise<DeletedRows> {
    const { cancelled, cancellationSignal } = Context.current();
    const limit = { ms: TIME_BUDGET_MS, parent: cancellationSignal };
    const deleted = await withDeadline(limit, (stop) =>
      heartbeating(() => deleteInRounds(expiredKinds(deps), stop)),
    );
    return cancellationSignal.aborted ? cancelled : deleted;
  };
}

/** For each kind of row that expires: deletes a batch of it. */
export function expiredKinds({ pool: db, client, logger, retention }: DeleteExpiredDependencies) {
  return {
    revocations: () => abandonStaleRevocations(db),
    results: () => deleteOldResults(db, retention.resultRetentionDays),
    connectionEvents: () => deleteOldConnectionEvents(db),
    auditEvents: () => deleteOldAuditEvents(db, retention.auditRetentionDays),
    // Runs before the tombstones are deleted, because a tombstone with a waiter stays.
    waiters: () => removeEndedWaiters({ db, client, logger }, retention.waiterRetentionDays),
    tombstones: () => purgeTombstones(db, retention.tombstoneRetentionDays),
    authorizations: () => deleteOldAuthorizations(db),
    pendingDeposits: () => dropOldPendingDeposits(db),
    connectSessions: () => deleteOldSessions(db),
    webSessions: () => deleteExpiredSessions(db),
    signInLinks: () => deleteExpiredSignInLinks(db),
    oidcSignIns: () => deleteExpiredSignIns(db),
    watchedUsers: () => deleteUnwatched(db),
    clientRegistrations: () => deleteRegistrationsOfRemovedServers(db),
  } satisfies Record<keyof DeletedRows, DeleteBatch>;
}
