import type { Client } from '@temporalio/client';
import { raceAbort, withDeadline } from '../../async/deadline.ts';
import type { Db } from '../../db/pool.ts';
import { filterOpen, filterOpenOfMany } from '../../temporal/filter-open.ts';
import { TemporalUnavailable } from '../../temporal/temporal-call.ts';
import { listWaitersOf, noteAlive, removeEnded, type WaiterAsRead } from './waiter-life-store.ts';

/** The steps that are asked about, and removed, at a time. */
const PAGE_SIZE = 100;
/** So many are asked about one by one, which also notices a step that has only just ended. */
const FEW = 20;
/** Short, because a person waits for the deposit. */
const TIMEOUT_MS = 1_000;

interface Services {
  db: Db;
  client: Client;
}

/**
 * Removes a user's waiters whose steps have ended without removing them, for example because an operator terminated
 * them, so that they are not counted any more. Begins with those without a sign of life for longest. If Temporal does
 * not answer in time, the rest stays, and the next call begins with the rest.
 */
export async function forgetEndedWaiters(
  services: Services,
  userId: string,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const open: string[] = [];
  await withDeadline({ ms: timeoutMs }, async (signal) => {
    try {
      await raceAbort(signal, forgetPages(services, userId, { signal, timeoutMs, open }));
    } catch (error) {
      if (!signal.aborted && !(error instanceof TemporalUnavailable)) throw error;
      if (open.length > 0) await noteAlive(services.db, open);
    }
  });
}

/** @param reading.open collects the steps that are open */
async function forgetPages(
  { db, client }: Services,
  userId: string,
  reading: { signal: AbortSignal; timeoutMs: number; open: string[] },
): Promise<void> {
  for (let last: WaiterAsRead | undefined, isLast = false; !isLast && !reading.signal.aborted; ) {
    const waiters = await listWaitersOf(db, userId, { after: last, limit: PAGE_SIZE });
    const ids = waiters.map(({ workflowId }) => workflowId);
    const ask = ids.length > FEW ? filterOpenOfMany : filterOpen;
    const open = new Set(await ask(client, ids, reading.timeoutMs));
    const ended = waiters.filter(({ workflowId }) => !open.has(workflowId));
    if (ended.length > 0) await removeEnded(db, ended);
    reading.open.push(...open);
    last = waiters.at(-1);
    isLast = waiters.length < PAGE_SIZE;
  }
}
