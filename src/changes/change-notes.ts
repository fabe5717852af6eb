import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { noteChanges } from './watched-user-store.ts';

/** Notes that something of a user's has changed, for the pages that the user has open. */
export interface ChangeNotes {
  /** Returns at once and never throws. The note is written within 250 ms, together with those of other users. */
  note(userId: string): void;
  /** Writes what is noted, and takes no more. */
  close(): Promise<void>;
}

export interface ChangeNotesOptions {
  db: Db;
  logger: Pick<Logger, 'warn'>;
}

const FLUSH_INTERVAL_MS = 250;

/**
 * A note that can't be written is dropped: pages look again every half minute. The first failure of an outage is
 * logged.
 */
export function createChangeNotes({ db, logger }: ChangeNotesOptions): ChangeNotes {
  const noted = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let isFailing = false;
  let isClosed = false;

  const write = async () => {
    const userIds = [...noted];
    noted.clear();
    try {
      await noteChanges(db, userIds);
      isFailing = false;
    } catch (error) {
      if (!isFailing) logger.warn({ err: error }, 'changes could not be noted for open pages');
      isFailing = true;
    }
  };
  // One statement at a time: while the database is slow, more users share the next one.
  const flush = async () => {
    timer = undefined;
    flushing = write();
    await flushing;
    flushing = undefined;
    if (noted.size > 0) schedule();
  };
  const schedule = () => {
    if (timer !== undefined || flushing !== undefined || isClosed) return;
    timer = setTimeout(flush, FLUSH_INTERVAL_MS);
  };
  return {
    note(userId) {
      if (isClosed) return;
      noted.add(userId);
      schedule();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await flushing;
      if (noted.size > 0) await write();
    },
  };
}
