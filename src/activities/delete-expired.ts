import { dropHopelessRevocations } from '../credentials/disconnect-credential.ts';
import type { Db } from '../db/pool.ts';
import { deleteOldResults } from '../results/result-store.ts';
import { deleteOldConnectionEvents } from '../webhooks/connection-event-store.ts';

export interface DeleteExpiredDependencies {
  db: Db;
  resultRetentionDays: number;
}

/** Deletes what was kept for a time that is over. */
export function createDeleteExpired({ db, resultRetentionDays }: DeleteExpiredDependencies) {
  return async function deleteExpired(): Promise<{ results: number; connectionEvents: number }> {
    await dropHopelessRevocations(db);
    return {
      results: await deleteOldResults(db, resultRetentionDays),
      connectionEvents: await deleteOldConnectionEvents(db),
    };
  };
}
