import type { Client } from '@temporalio/client';
import type { Db } from '../../db/pool.ts';
import { filterOpen } from '../../temporal/filter-open.ts';
import { TemporalUnavailable } from '../../temporal/temporal-call.ts';
import { listWaitersOf, removeEnded } from './waiter-store.ts';

/** Steps asked after at a time: those without a sign of life for the longest. */
const AT_MOST = 100;
/** Somebody waits for the answer. */
const ANSWER_WITHIN_MS = 1_000;

/**
 * Removes the waiters of a user whose steps have ended without removing them, as those do that an operator
 * terminates, so that they are counted no more. Without Temporal they stay: nobody is kept waiting for it.
 */
export async function forgetEndedWaiters(
  { db, client }: { db: Db; client: Client },
  userId: string,
): Promise<void> {
  const waiters = await listWaitersOf(db, userId, AT_MOST);
  const ids = waiters.map(({ workflowId }) => workflowId);
  const open = await filterOpen(client, ids, ANSWER_WITHIN_MS).catch(unlessUnavailable);
  if (open === undefined) return;
  const isOpen = new Set(open);
  const ended = waiters.filter(({ workflowId }) => !isOpen.has(workflowId));
  if (ended.length > 0) await removeEnded(db, ended);
}

function unlessUnavailable(error: unknown): undefined {
  if (error instanceof TemporalUnavailable) return undefined;
  throw error;
}
