/**
 * Limits on the calls under way in this process, so that one user or one server can't take all slots of a worker.
 * Temporal's fairness keys order the queue of waiting activities; they take no slot from a call that holds it for an
 * hour.
 */
import { withDeadline } from '../async/deadline.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { withJitter } from '../contracts/backoff.ts';

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
   * to Temporal's queue, and a call that waits behind long ones gives up its slot soon.
   */
  enter(key: CredentialKey): Promise<Room>;
}

export interface CallLimits {
  calls: CallLimit;
  /** Token renewals and lists of tools. The limit is a little higher, so that hour-long calls don't block them. */
  lookups: CallLimit;
}

const LINE_TIMEOUT_MS = 2_000;
const MIN_RETRY_AFTER_MS = 1_000;
/** The distance between two retry times, so that a thousand refused calls don't come back at once. */
const RETRY_SPACING_MS = 50;
const MAX_RETRY_AFTER_MS = 60_000;
const MAX_TRACKED_RETRIES = 1_000;
const EXTRA_LOOKUPS = 1 / 5;

export function createCallLimits(share: Share, now = () => performance.now()): CallLimits {
  const counts: Counts = { users: new Map(), servers: new Map() };
  const retryTimes = createRetryTimes(now);
  const line = createLine();
  const limitTo = (limit: Share) => createLimit(counts, limit, line, retryTimes);
  const withExtra = (count: number) => count + Math.max(Math.floor(count * EXTRA_LOOKUPS), 1);
  const lookups = { perUser: withExtra(share.perUser), perServer: withExtra(share.perServer) };
  return { calls: limitTo(share), lookups: limitTo(lookups) };
}

/** The calls under way, by the id of the user and of the server. */
interface Counts {
  users: Map<string, number>;
  servers: Map<string, number>;
}

function createLimit(
  { users, servers }: Counts,
  { perUser, perServer }: Share,
  line: ReturnType<typeof createLine>,
  retryTimes: ReturnType<typeof createRetryTimes>,
): CallLimit {
  const findFull = ({ userId, mcpServerId }: CredentialKey) => {
    if (countOf(users, userId) >= perUser) return `user ${userId}`;
    return countOf(servers, mcpServerId) >= perServer ? `server ${mcpServerId}` : undefined;
  };
  const change = (userId: string, mcpServerId: string, by: 1 | -1) => {
    add(users, userId, by);
    add(servers, mcpServerId, by);
  };
  const tryToTake = (key: CredentialKey): Room | undefined => {
    if (findFull(key) !== undefined) return undefined;
    const { userId, mcpServerId } = key;
    change(userId, mcpServerId, 1);
    const release = () => {
      change(userId, mcpServerId, -1);
      line.moveUp();
    };
    return { kind: 'room', release };
  };
  const refuse = (key: CredentialKey): Room => ({
    kind: 'full',
    retryAfterMs: retryTimes.next(findFull(key) ?? `user ${key.userId}`),
  });
  return {
    take: (key) => tryToTake(key) ?? refuse(key),
    enter: async (key) => tryToTake(key) ?? (await line.wait(() => tryToTake(key))) ?? refuse(key),
  };
}

interface Waiting {
  tryToTake: () => Room | undefined;
  resolve: (room: Room | undefined) => void;
}

/** A waiting line: released room goes to the first call that it fits. */
function createLine() {
  const line = new Set<Waiting>();
  return {
    /** Undefined after the time limit. */
    wait: (tryToTake: Waiting['tryToTake']): Promise<Room | undefined> =>
      withDeadline(
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
      ),
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

/** Gives every refused call of a user or server its own time to try again. */
function createRetryTimes(now: () => number) {
  const latest = new Map<string, number>();
  return {
    /** Returns milliseconds. `full` names the user or server whose limit is reached. */
    next(full: string): number {
      if (latest.size >= MAX_TRACKED_RETRIES) deletePast(latest, now());
      const earliest = now() + MIN_RETRY_AFTER_MS;
      const retryAt = Math.max(earliest, (latest.get(full) ?? 0) + RETRY_SPACING_MS);
      const last = now() + MAX_RETRY_AFTER_MS;
      // Further calls come back at random, so that each has the same chance.
      if (retryAt > last) return withJitter(MAX_RETRY_AFTER_MS, { from: 0.5, spread: 0.5 });
      latest.set(full, retryAt);
      return Math.round(retryAt - now());
    },
  };
}

function deletePast(latest: Map<string, number>, time: number): void {
  for (const [full, retryAt] of latest) if (retryAt < time) latest.delete(full);
}

function countOf(counts: ReadonlyMap<string, number>, id: string): number {
  return counts.get(id) ?? 0;
}

function add(counts: Map<string, number>, id: string, change: number): void {
  const count = countOf(counts, id) + change;
  if (count === 0) counts.delete(id);
  else counts.set(id, count);
}
