import type { Client } from '@temporalio/client';
import { listSilentWaiters, noteAlive, removeSilent } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { filterOpen } from '../temporal/filter-open.ts';

const PAGE = 100;

/**
 * Removes waiters whose steps have ended without removing them, as those do that were terminated. Only the
 * silent ones are asked after, and what is alive is not asked again for as long: a pause may take a year.
 */
export async function removeEndedWaiters(
  { db, client, logger }: { db: Db; client: Client; logger: Logger },
  silentForDays: number,
): Promise<number> {
  const silent = await listSilentWaiters(db, silentForDays, PAGE);
  const alive = await filterOpen(client, silent).catch((error: unknown) => {
    // What Temporal does not say now is left to the next run, and holds up nothing else.
    logger.warn({ err: error }, 'waiting steps could not be looked after');
    return undefined;
  });
  if (alive === undefined) return 0;
  await noteAlive(db, alive);
  const open = new Set(alive);
  const ended = silent.filter((workflowId) => !open.has(workflowId));
  return removeSilent(db, ended, silentForDays);
}
