import type { Client } from '@temporalio/client';
import type { Db } from '../../db/pool.ts';
import { TemporalUnavailable } from '../../temporal/temporal-call.ts';
import { whichAreOpen } from '../../temporal/which-are-open.ts';
import { listWaitersOf, removeEnded } from './waiter-store.ts';

/** Steps that one call asks Temporal about: those without a sign of life for the longest. */
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
  const open = await whichAreOpen(client, ids, TIMEOUT_MS).catch(unlessUnavailable);
  if (open === undefined) return;
  const isOpen = new Set(open);
  const ended = waiters.filter(({ workflowId }) => !isOpen.has(workflowId));
  if (ended.length > 0) await removeEnded(db, ended);
}

function unlessUnavailable(error: unknown): undefined {
  if (error instanceof TemporalUnavailable) return undefined;
  throw error;
}
