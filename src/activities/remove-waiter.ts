import { removeWaiter as deleteWaiter } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import { callingWorkflowId } from './calling-workflow.ts';

/** Removes the calling step's waiter; a step without one is fine. */
export function createRemoveWaiter({ db }: { db: Db }) {
  return async function removeWaiter(): Promise<void> {
    await deleteWaiter(db, callingWorkflowId());
  };
}
