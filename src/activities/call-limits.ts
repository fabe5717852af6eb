/**
 * Limits on the calls under way in this process, so that one user or one server can't take all slots of a worker.
 * Temporal's fairness keys order the queue of waiting activities; they take no slot from a call that holds it for an
 * hour.
 */
import { withDeadline } from '../async/deadline.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { createRetryTimes, type RetryTimes } from './retry-times.ts';

/** The most calls under way at once. */
export interface Share {
  perUser: number;
  perServer: number;
}

/** Room for one call, to be released once; or, if the limit is reached, when to try again. */
export type Room = { kind: 'room'; release(): void } | { kind: 'full'; retryAfterMs: number };

/** Counts the calls under way in this process, for each user and for each server. */
export interface CallLimit {
  take(key: CredentialKey): Room;
  /**
   * Takes room, and waits two seconds for it if necessary. So a user's short calls follow each other without a return
   * to Temporal's queue, and a call that waits behind long ones gives up its slot soon. If too many calls of the user
   * or to the server wait already, it does not wait.
   */
  enter(key: CredentialKey): Promise<Room>;
}

export interface CallLimits {
  calls: CallLimit;
  /** Token renewals and lists of tools. The limit is a little higher, so that hour-long calls don't block them. */
  lookups: CallLimit;
}

const LINE_TIMEOUT_MS = 2_000;
/**
 * How many calls may wait, compared with how many may run. Each waits in a slot. The default share of a server is three
 * quarters of the slots, so the calls that run and wait must leave some slots to other servers.
 */
const LINE_LENGTH = { ofUser: 1, ofServer: 1 / 4 };
const EXTRA_LOOKUPS = 1 / 5;

export function createCallLimits(share: Share, now?: () => number): CallLimits {
  const counts = createCounts();
  const retryTimes = createRetryTimes(now);
  const line = createLine({
    perUser: Math.ceil(share.perUser * LINE_LENGTH.ofUser),
    perServer: Math.ceil(share.perServer * LINE_LENGTH.ofServer),
  });
  const limitTo = (limit: Share) => createLimit(counts, limit, line, retryTimes);
  const withExtra = (count: number) => count + Math.max(Math.floor(count * EXTRA_LOOKUPS), 1);
  const lookups = { perUser: withExtra(share.perUser), perServer: withExtra(share.perServer) };
  return { calls: limitTo(share), lookups: limitTo(lookups) };
}

/** Counts calls by the id of the user and of the server. */
function createCounts() {
  const users = new Map<string, number>();
  const servers = new Map<string, number>();
  return {
    add({ userId, mcpServerId }: CredentialKey, by: 1 | -1): void {
      add(users, userId, by);
      add(servers, mcpServerId, by);
    },
    /** Names the user or server whose limit is reached. */
    findFull({ userId, mcpServerId }: CredentialKey, { perUser, perServer }: Share): string | undefined {
      if (countOf(users, userId) >= perUser) return `user ${userId}`;
      return countOf(servers, mcpServerId) >= perServer ? `server ${mcpServerId}` : undefined;
    },
  };
}

function createLimit(
  counts: ReturnType<typeof createCounts>,
  limit: Share,
  line: ReturnType<typeof createLine>,
  retryTimes: RetryTimes,
): CallLimit {
  const tryToTake = (key: CredentialKey): Room | undefined => {
    if (counts.findFull(key, limit) !== undefined) return undefined;
    counts.add(key, 1);
    const release = () => {
      counts.add(key, -1);
      line.moveUp();
    };
    return { kind: 'room', release };
  };
  const refuse = (key: CredentialKey): Room => ({
    kind: 'full',
    retryAfterMs: retryTimes.next(counts.findFull(key, limit) ?? `user ${key.userId}`),
  });
  return {
    take: (key) => tryToTake(key) ?? refuse(key),
    enter: async (key) => tryToTake(key) ?? (await line.wait(key, () => tryToTake(key))) ?? refuse(key),
  };
}

interface Waiting {
  tryToTake: () => Room | undefined;
  resolve: (room: Room | undefined) => void;
}

/** A waiting line: released room goes to the first call that it fits. */
function createLine(limit: Share) {
  const line = new Set<Waiting>();
  const counts = createCounts();
  const untilRoom = (tryToTake: Waiting['tryToTake']) =>
    withDeadline<Room | undefined>(
      { ms: LINE_TIMEOUT_MS },
      (signal) =>
        new Promise((resolve) => {
          const waiting = { tryToTake, resolve };
          line.add(waiting);
          signal.addEventListener('abort', () => {
            line.delete(waiting);
            resolve(undefined);
          });
        }),
    );
  return {
    /** Undefined after the time limit, and at once if the line is full. */
    async wait(key: CredentialKey, tryToTake: Waiting['tryToTake']): Promise<Room | undefined> {
      if (counts.findFull(key, limit) !== undefined) return undefined;
      counts.add(key, 1);
      return untilRoom(tryToTake).finally(() => counts.add(key, -1));
    },
    // Takes the room synchronously, so that a newly arriving call can't take it first.
    moveUp(): void {
      for (const waiting of line) {
        const room = waiting.tryToTake();
        if (room === undefined) continue;
        line.delete(waiting);
        waiting.resolve(room);
        return;
      }
    },
  };
}

function countOf(counts: ReadonlyMap<string, number>, id: string): number {
  return counts.get(id) ?? 0;
}

function add(counts: Map<string, number>, id: string, change: number): void {
  const count = countOf(counts, id) + change;
  if (count === 0) counts.delete(id);
  else counts.set(id, count);
}
