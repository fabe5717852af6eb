import { withDeadline } from '../async/deadline.ts';
import type { CredentialKey } from '../contracts/activities.ts';

/** How many may be under way at once. */
export interface Share {
  perUser: number;
  perServer: number;
}

/** Room for one call. It is given back once, by `release`. */
export type Room = { kind: 'room'; release(): void } | { kind: 'full'; retryAfterMs: number };

/** Counts what is under way in this process, for each user and for each server. */
export interface CallLimit {
  take(key: CredentialKey): Room;
  /**
   * Waits in line for room, for a short time. Short calls of one user so follow each other without a detour through
   * the queue, and long ones hold the slot of a waiting call for no longer than that.
   */
  enter(key: CredentialKey): Promise<Room>;
}

export interface CallLimits {
  calls: CallLimit;
  /** Renewals of tokens and lists of tools: a few more, so that hour-long calls of their own user don't hold them up. */
  lookups: CallLimit;
}

const WAITS_IN_LINE_MS = 2_000;
const FIRST_RETURN_MS = 1_000;
/** Those who found no room come back one after the other, so that a thousand of them are no storm of attempts. */
const BETWEEN_RETURNS_MS = 50;
const LAST_RETURN_MS = 60_000;
const MAX_RETURNS_KEPT = 1_000;
const MORE_FOR_LOOKUPS = 1 / 5;

/**
 * Keeps one user, and one server, from taking all slots of a worker: fairness keys order the queue of what waits for
 * a slot, but take no slot away from a call that holds it for an hour.
 */
export function createCallLimits(share: Share, now = () => performance.now()): CallLimits {
  const users = new Map<string, number>();
  const servers = new Map<string, number>();
  const returns = createReturns(now);
  const line = createLine();
  const limitTo = ({ perUser, perServer }: Share): CallLimit => {
    const findFull = ({ userId, mcpServerId }: CredentialKey) => {
      if (countOf(users, userId) >= perUser) return `user ${userId}`;
      return countOf(servers, mcpServerId) >= perServer ? `server ${mcpServerId}` : undefined;
    };
    const tryToTake = (key: CredentialKey): Room | undefined => {
      if (findFull(key) !== undefined) return undefined;
      const counted: Counted = [
        [users, key.userId],
        [servers, key.mcpServerId],
      ];
      return occupy(counted, line.moveUp);
    };
    const turnAway = (key: CredentialKey): Room => full(returns.next(findFull(key) ?? `user ${key.userId}`));
    return {
      take: (key) => tryToTake(key) ?? turnAway(key),
      enter: async (key) => tryToTake(key) ?? (await line.wait(() => tryToTake(key))) ?? turnAway(key),
    };
  };
  const more = (count: number) => count + Math.max(Math.floor(count * MORE_FOR_LOOKUPS), 1);
  const lookups = { perUser: more(share.perUser), perServer: more(share.perServer) };
  return { calls: limitTo(share), lookups: limitTo(lookups) };
}

type Counted = [counts: Map<string, number>, id: string][];

function occupy(counted: Counted, onRelease: () => void): Room {
  for (const [counts, id] of counted) add(counts, id, 1);
  return {
    kind: 'room',
    release() {
      for (const [counts, id] of counted) add(counts, id, -1);
      onRelease();
    },
  };
}

interface Waiting {
  tryToTake: () => Room | undefined;
  goOn: (room: Room | undefined) => void;
}

/** First come, first served, of those for whom there is room. */
function createLine() {
  const line = new Set<Waiting>();
  return {
    /** Undefined: time was up. */
    wait: (tryToTake: Waiting['tryToTake']): Promise<Room | undefined> =>
      withDeadline(
        { ms: WAITS_IN_LINE_MS },
        (signal) =>
          new Promise((goOn) => {
            const waiting = { tryToTake, goOn };
            line.add(waiting);
            signal.addEventListener('abort', () => {
              line.delete(waiting);
              goOn(undefined);
            });
          }),
      ),
    // The room is taken here and now, so that a newcomer can't have it.
    moveUp(): void {
      for (const waiting of line) {
        const room = waiting.tryToTake();
        if (room === undefined) continue;
        line.delete(waiting);
        waiting.goOn(room);
        return;
      }
    },
  };
}

/** Says when each of those who found no room may come back. */
function createReturns(now: () => number) {
  const latest = new Map<string, number>();
  return {
    next(of: string): number {
      if (latest.size >= MAX_RETURNS_KEPT) forgetPast(latest, now());
      const earliest = now() + FIRST_RETURN_MS;
      const turn = Math.max(earliest, (latest.get(of) ?? 0) + BETWEEN_RETURNS_MS);
      const last = now() + LAST_RETURN_MS;
      if (turn <= last) latest.set(of, turn);
      // Of more than that, each has the same chance.
      return Math.round(turn <= last ? turn - now() : LAST_RETURN_MS * (0.5 + Math.random() / 2));
    },
  };
}

function forgetPast(latest: Map<string, number>, time: number): void {
  for (const [of, turn] of latest) if (turn < time) latest.delete(of);
}

function full(retryAfterMs: number): Room {
  return { kind: 'full', retryAfterMs };
}

function countOf(counts: ReadonlyMap<string, number>, id: string): number {
  return counts.get(id) ?? 0;
}

function add(counts: Map<string, number>, id: string, change: number): void {
  const count = countOf(counts, id) + change;
  if (count === 0) counts.delete(id);
  else counts.set(id, count);
}
