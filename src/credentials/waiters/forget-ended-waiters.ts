import type { Client } from '@temporalio/client';
import type { Db } from '../../db/pool.ts';
import { filterOpen } from '../../temporal/filter-open.ts';
import { TemporalUnavailable } from '../../temporal/temporal-call.ts';
import { listWaitersOf, removeEnded } from './waiter-store.ts';

/** The most steps that one call asks Temporal about. It takes those without a sign of life for longest. */
const MAX_STEPS = 100;
/** Short, because a person waits for the deposit. */
const TIMEOUT_MS = 1_000;

/**
 * Removes a user's waiters whose steps have ended without removing them, for example because an operator terminated
 * them, so that they are not counted any more. If Temporal does not answer in time, they stay.
 */
export async function forgetEndedWaiters(
  { db, client }: { db: Db; client: Client },
  userId: string,
): Promise<void> {
  const waiters = await listWaitersOf(db, userId, MAX_STEPS);
  const ids = waiters.map(({ workflowId }) => workflowId);
  const open = await filterOpen(client, ids, TIMEOUT_MS).catch(unlessUnavailable);
  if (open === undefined) return;
  const isOpen = new Set(open);
  const ended = waiters.filter(({ workflowId }) => !isOpen.has(workflowId));
  if (ended.length > 0) await removeEnded(db, ended);
}

function unlessUnavailable(error: unknown): undefined {
  if (error instanceof TemporalUnavailable) return undefined;
  throw error;
}
