import { AsyncLocalStorage } from 'node:async_hooks';
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
/** How often a note is tried while another transaction holds the row. One that lasts raises the number itself. */
const MAX_TRIES = 4;

/**
 * A note that can't be written is dropped: pages look again every half minute. The first failure of an outage is
 * logged.
 */
export function createChangeNotes({ db, logger }: ChangeNotesOptions): ChangeNotes {
  /** How often the note of a user was tried. */
  const noted = new Map<string, number>();
  // A note is written together with those of other requests.
  const outsideOfRequests = AsyncLocalStorage.snapshot();
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let isFailing = false;
  let isClosed = false;

  const write = async () => {
    const tried = new Map(noted);
    noted.clear();
    try {
      for (const userId of await noteChanges(db, [...tried.keys()])) {
        const tries = (tried.get(userId) ?? 0) + 1;
        if (tries < MAX_TRIES && !noted.has(userId)) noted.set(userId, tries);
      }
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
    timer = outsideOfRequests(() => setTimeout(flush, FLUSH_INTERVAL_MS));
  };
  return {
    note(userId) {
      if (isClosed) return;
      noted.set(userId, 0);
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
