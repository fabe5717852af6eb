import type { Client } from '@temporalio/client';
import { listSilentWaiters, noteAlive, removeSilent } from '../credentials/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logger.ts';
import { isOpen } from '../steps/is-open.ts';

const PAGE = 100;
const AT_ONCE = 25;

/**
 * Removes waiters whose steps have ended without removing them, as those do that were terminated. Only the
 * silent ones are asked after, and what is alive is not asked again for as long: a pause may take a year.
 */
export async function removeEndedWaiters(
  deps: { db: Db; client: Client; logger: Logger },
  silentForDays: number,
): Promise<number> {
  const silent = await listSilentWaiters(deps.db, silentForDays, PAGE);
  let removed = 0;
  for (let start = 0; start < silent.length; start += AT_ONCE) {
    const batch = silent.slice(start, start + AT_ONCE);
    const alive = await whichAreOpen(deps, batch);
    if (alive === undefined) break;
    await noteAlive(
      deps.db,
      batch.filter((_, index) => alive[index]),
    );
    const ended = batch.filter((_, index) => !alive[index]);
    removed += await removeSilent(deps.db, ended, silentForDays);
  }
  return removed;
}

// What Temporal does not say now is left to the next run, and holds up nothing else.
async function whichAreOpen(
  { client, logger }: { client: Client; logger: Logger },
  workflowIds: string[],
): Promise<boolean[] | undefined> {
  try {
    return await Promise.all(workflowIds.map((id) => isOpen(client, id)));
  } catch (error) {
    logger.warn({ err: error }, 'waiting steps could not be looked after');
    return undefined;
  }
}
