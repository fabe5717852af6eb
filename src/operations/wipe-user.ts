import { appendAuditEvent } from '../audit/audit-log.ts';
import { type Disconnected, forgetConnections } from '../credentials/retirement/disconnect-credential.ts';
import { removeWaitersOf } from '../credentials/waiters/waiter-store.ts';
import { inTransaction, type Pool } from '../db/pool.ts';
import { countResultsOf, deleteResultsOf } from '../results/result-store.ts';
import { deleteConnectionEventsOf } from '../webhooks/connection-event-store.ts';

/** How much there was of a user. */
export interface Wiped {
  /** What was connected until now. */
  disconnected: Disconnected[];
  waiters: number;
  results: number;
  connectionEvents: number;
}

/**
 * Ends all of a user's connections and deletes what is stored of them, but for what is still to be revoked: all of
 * it or nothing, and again without harm. A row in the audit log says so if there was anything. The results are the
 * exception, since they may be too many for one transaction: the row counts them, and then they go.
 *
 * @param steps how many of the user's steps were cancelled, for the audit log
 */
export async function wipeUser(pool: Pool, userId: string, steps: number): Promise<Wiped> {
  const wiped = await inTransaction(pool, async (db) => {
    const disconnected = await forgetConnections(db, userId);
    const waiters = await removeWaitersOf(db, userId);
    const results = await countResultsOf(db, userId);
    const connectionEvents = await deleteConnectionEventsOf(db, userId);
    const details = { steps, connections: disconnected.length, waiters, results, connectionEvents };
    if (Object.values(details).some((count) => count > 0)) {
      await appendAuditEvent(db, { action: 'user-forgotten', actorUserId: null, userId, details });
    }
    return { disconnected, waiters, connectionEvents };
  });
  return { ...wiped, results: await deleteResultsOf(pool, userId) };
}
