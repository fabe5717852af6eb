import { appendAuditEvent } from '../audit/audit-log.ts';
import { deleteWatchOf } from '../changes/watched-user-store.ts';
import { deleteConnectSessionsOf } from '../connect/sessions/expired-sessions.ts';
import { type Disconnected, forgetConnections } from '../credentials/retirement/disconnect-credential.ts';
import { removeWaitersOf } from '../credentials/waiters/waiter-life-store.ts';
import { inTransaction, type Pool } from '../db/pool.ts';
import { countResultsOf, deleteResultsOf } from '../results/result-store.ts';
import { deleteSessionsOf } from '../web/session-store.ts';
import { deleteSignInLinksOf } from '../web/sign-in-link-store.ts';
import { deleteConnectionEventsOf } from '../webhooks/connection-event-store.ts';

/** What was stored of a user. */
export interface Wiped {
  /** The connections that were ended now. */
  disconnected: Disconnected[];
  waiters: number;
  results: number;
  connectionEvents: number;
  connectSessions: number;
  /** Browsers that were signed in, and links that would have signed in. */
  webSessions: number;
}

/**
 * Ends all of a user's connections and deletes what is stored of the user, except grants that still have to be
 * revoked. Runs in one transaction, and is safe to run again. Adds a row to the audit log if anything was stored.
 * Results are deleted after the transaction, because they may be too many for one; the row counts them.
 *
 * @param steps how many of the user's steps were cancelled, for the audit log
 */
export async function wipeUser(pool: Pool, userId: string, steps: number): Promise<Wiped> {
  const wiped = await inTransaction(pool, async (db) => {
    // First, so that no browser begins a consent, and none under way is stored after the connections have ended.
    const webSessions = (await deleteSessionsOf(db, userId)) + (await deleteSignInLinksOf(db, userId));
    const connectSessions = await deleteConnectSessionsOf(db, userId);
    const disconnected = await forgetConnections(db, userId);
    const waiters = await removeWaitersOf(db, userId);
    const results = await countResultsOf(db, userId);
    const connectionEvents = await deleteConnectionEventsOf(db, userId);
    const deleted = { waiters, results, connectionEvents, connectSessions, webSessions };
    await deleteWatchOf(db, userId);
    const details = { steps, connections: disconnected.length, ...deleted };
    if (Object.values(details).some((count) => count > 0)) {
      await appendAuditEvent(db, { action: 'user-forgotten', actorUserId: null, userId, details });
    }
    return { disconnected, waiters, connectionEvents, connectSessions, webSessions };
  });
  return { ...wiped, results: await deleteResultsOf(pool, userId) };
}
