import type { Client } from '@temporalio/client';
import { deleteOldAuditEvents } from '../audit/audit-log.ts';
import type { DeletedRows } from '../contracts/activities.ts';
import { dropHopelessRevocations } from '../credentials/disconnect-credential.ts';
import { purgeTombstones } from '../credentials/tombstone-store.ts';
import type { Pool } from '../db/pool.ts';
import type { Logger } from '../logger.ts';
import { deleteOldResults } from '../results/result-store.ts';
import { deleteOldConnectionEvents } from '../webhooks/connection-event-store.ts';
import { removeEndedWaiters } from './remove-ended-waiters.ts';

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

/** Deletes what was kept for a time that is over. A part at a time: what is left is for the next run. */
export function createDeleteExpired(deps: DeleteExpiredDependencies) {
  const { pool, retention } = deps;
  return async function deleteExpired(): Promise<DeletedRows> {
    await dropHopelessRevocations(pool);
    const results = await deleteOldResults(pool, retention.resultRetentionDays);
    const connectionEvents = await deleteOldConnectionEvents(pool);
    const auditEvents = await deleteOldAuditEvents(pool, retention.auditRetentionDays);
    // Before the tombstones: one that is waited on stays.
    const waiters = await removeEndedWaiters({ ...deps, db: pool }, retention.waiterRetentionDays);
    const tombstones = await purgeTombstones(pool, retention.tombstoneRetentionDays);
    return { results, connectionEvents, tombstones, auditEvents, waiters };
  };
}
