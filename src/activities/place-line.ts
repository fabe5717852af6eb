import { raceTimeout } from '../async/deadline.ts';
import { withJitter } from '../contracts/backoff.ts';

/** The calls of this process that wait for a place of one server, in order of arrival. */
export interface PlaceLine<P> {
  /**
   * Waits until `take` returns a place. Undefined after two seconds, or as soon as a `take` under way then has ended; and
   * at once if all places are held and enough calls wait already.
   *
   * @param limit the number of places
   * @throws what `take` throws
   */
  wait(limit: number, take: () => Promise<P | undefined>): Promise<P | undefined>;
  /** Call this when a place may have become free. */
  lookAgain(): void;
  isEmpty(): boolean;
}

interface Waiting<P> {
  take: () => Promise<P | undefined>;
  /** By `performance.now()`. */
  until: number;
  resolve: (place: P | undefined) => void;
  reject: (error: unknown) => void;
}

const TIMEOUT_MS = 2_000;
/** Each waiting call occupies a slot. More than as many as there are places are not needed to use each that becomes free. */
const MAX_LENGTH = 10;
const LOOK_AGAIN = { ms: 200, jitter: { from: 0.5, spread: 0.5 } };

export function createPlaceLine<P>(): PlaceLine<P> {
  const line: Waiting<P>[] = [];
  let isServing = false;
  let allHeld = false;
  let maxLength = MAX_LENGTH;
  let wake = () => {};

  /** No worker tells the others that a place is free, so the line also looks again by itself. */
  const untilFreed = () => {
    const freed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    return raceTimeout({ ms: withJitter(LOOK_AGAIN.ms, LOOK_AGAIN.jitter) }, freed, () => {});
  };
  const serveFirst = async (first: Waiting<P>) => {
    try {
      const place = await first.take();
      allHeld = place === undefined;
      if (allHeld) return;
      line.shift();
      first.resolve(place);
    } catch (error) {
      line.shift();
      first.reject(error);
    }
  };
  const serve = async () => {
    isServing = true;
    for (let first = line[0]; first !== undefined; first = line[0]) {
      await serveFirst(first);
      turnAway(line, allHeld ? maxLength : line.length);
      if (allHeld && line.length > 0) await untilFreed();
    }
    isServing = false;
    allHeld = false;
  };
  return {
    wait(limit, take) {
      maxLength = Math.min(limit, MAX_LENGTH);
      if (allHeld && line.length >= maxLength) return Promise.resolve(undefined);
      return new Promise((resolve, reject) => {
        line.push({ take, until: performance.now() + TIMEOUT_MS, resolve, reject });
        if (!isServing) void serve();
      });
    },
    lookAgain: () => wake(),
    isEmpty: () => line.length === 0,
  };
}

/** Turns away the calls that have waited long enough, and the last ones of a line that is too long. */
function turnAway<P>(line: Waiting<P>[], maxLength: number): void {
  const now = performance.now();
  const stay = line.filter(({ until }) => until > now).slice(0, maxLength);
  for (const waiting of line) if (!stay.includes(waiting)) waiting.resolve(undefined);
  line.splice(0, line.length, ...stay);
}
