/**
 * Follows the changes of users for the streams of one API process. It has two states: idle, while no stream is open,
 * without a timer and without a statement; and asking, one statement a second for all users with an open stream.
 * PgBouncer may stand between this process and Postgres, so it does not LISTEN.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { type Change, keepWatching, readChanges, watchUser } from './watched-user-store.ts';

export interface ChangeHub {
  /** Makes the user a watched one for a while, and returns the change number. */
  current(userId: string): Promise<Change>;
  /** Calls `onChange` with each change number after the one that it returns, until `stop` is called. */
  follow(userId: string, onChange: (change: Change) => void): Promise<{ change: Change; stop(): void }>;
  /** Stops asking. */
  close(): void;
}

export interface ChangeHubOptions {
  db: Db;
  logger: Pick<Logger, 'warn'>;
  /** Default: 1,000. For tests. */
  askIntervalMs?: number;
}

interface Followed {
  change: Change;
  listeners: Set<(change: Change) => void>;
}

const ASK_INTERVAL_MS = 1_000;
/** Well below the time that a user stays watched. */
const KEEP_INTERVAL_MS = 30_000;

/** The user was forgotten, or not watched for too long. No row ever has this number. */
const NO_ROW: Change = '0';

export function createChangeHub(options: ChangeHubOptions): ChangeHub {
  const { db, logger, askIntervalMs = ASK_INTERVAL_MS } = options;
  const followed = new Map<string, Followed>();
  // One timer serves the streams of all requests.
  const outsideOfRequests = AsyncLocalStorage.snapshot();
  let timer: NodeJS.Timeout | undefined;
  let keptAt = performance.now();
  let isFailing = false;
  let isClosed = false;

  const ask = async () => {
    const userIds = [...followed.keys()];
    if (userIds.length === 0) return;
    const isKeeping = performance.now() - keptAt >= KEEP_INTERVAL_MS;
    try {
      const changes = await (isKeeping ? keepWatching(db, userIds) : readChanges(db, userIds));
      if (isKeeping) keptAt = performance.now();
      isFailing = false;
      for (const userId of userIds) tell(followed.get(userId), changes.get(userId) ?? NO_ROW);
    } catch (error) {
      if (!isFailing) logger.warn({ err: error }, 'changes for open pages could not be read');
      isFailing = true;
    }
  };
  const askWhileFollowed = async () => {
    await ask();
    timer = undefined;
    schedule();
  };
  const schedule = () => {
    if (timer !== undefined || isClosed || followed.size === 0) return;
    timer = outsideOfRequests(() => setTimeout(askWhileFollowed, askIntervalMs));
  };
  return {
    current: (userId) => watchUser(db, userId),
    async follow(userId, onChange) {
      const change = await watchUser(db, userId);
      tell(followed.get(userId), change);
      const entry = followed.get(userId) ?? { change, listeners: new Set() };
      entry.listeners.add(onChange);
      followed.set(userId, entry);
      schedule();
      return { change, stop: () => stopFollowing(followed, userId, onChange) };
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function tell(entry: Followed | undefined, change: Change): void {
  if (entry === undefined || entry.change === change) return;
  entry.change = change;
  for (const listener of entry.listeners) listener(change);
}

function stopFollowing(
  followed: Map<string, Followed>,
  userId: string,
  onChange: (change: Change) => void,
): void {
  const entry = followed.get(userId);
  entry?.listeners.delete(onChange);
  if (entry?.listeners.size === 0) followed.delete(userId);
}
