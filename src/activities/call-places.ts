/**
 * The limit on a server's concurrent calls over all workers (`maxConcurrentCalls`). A call takes a place in the database
 * before it is sent. If all places are held, it waits in line for two seconds, in its slot; then its step waits by a
 * durable timer. Each process asks the database for one place of a server at a time, for the first call in its line.
 */
import { randomUUID } from 'node:crypto';
import type { Pool } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import {
  type CallPlace,
  extendCallPlaces,
  PLACE_SECONDS,
  releaseCallPlace,
  takeCallPlace,
} from '../servers/call-place-store.ts';
import { createPlaceLine, type PlaceLine } from './place-line.ts';
import { createRetryTimes } from './retry-times.ts';

/** A place, to be released once; or, if all are held, when to try again. */
export type Place =
  | {
      kind: 'place';
      /** What the call read before it may have changed since. */
      waited: boolean;
      release(): void;
    }
  | { kind: 'full'; retryAfterMs: number };

export interface CallPlaces {
  /** @throws if the database is unavailable: then no call may be made */
  enter(mcpServerId: string, limit: number): Promise<Place>;
}

export interface CallPlacesDependencies {
  pool: Pool;
  logger: Pick<Logger, 'warn'>;
}

const EXTEND_INTERVAL_MS = (PLACE_SECONDS * 1000) / 3;
/** A place that comes later than this is not used: Temporal may have given the call up, and started it again. */
const LATE_MS = 20_000;
/** A place that is free is there within this, as one statement takes. */
const AT_ONCE_MS = 50;

export function createCallPlaces(deps: CallPlacesDependencies): CallPlaces {
  const held = createHeldPlaces(deps);
  const retryTimes = createRetryTimes();
  const lines = new Map<string, PlaceLine<CallPlace>>();
  return {
    async enter(mcpServerId, limit) {
      const line = lines.get(mcpServerId) ?? createPlaceLine();
      lines.set(mcpServerId, line);
      const from = performance.now();
      const place = await line.wait(limit, () => held.take(mcpServerId, limit));
      if (line.isEmpty()) lines.delete(mcpServerId);
      const full = (): Place => ({ kind: 'full', retryAfterMs: retryTimes.next(mcpServerId) });
      if (place === undefined) return full();
      const release = () => {
        void held.release(place).finally(() => lines.get(mcpServerId)?.lookAgain());
      };
      const ms = performance.now() - from;
      if (ms < LATE_MS) return { kind: 'place', waited: ms > AT_ONCE_MS, release };
      release();
      return full();
    },
  };
}

/** The places that calls of this process hold. They are extended until they are released. */
function createHeldPlaces({ pool, logger }: CallPlacesDependencies) {
  const held = new Map<string, CallPlace>();
  let interval: NodeJS.Timeout | undefined;
  let extension: Promise<void> | undefined;
  const extend = () => {
    extension ??= extendCallPlaces(pool, [...held.values()])
      .catch((error: unknown) => logger.warn({ err: error }, 'the places of calls could not be extended'))
      .finally(() => {
        extension = undefined;
      });
  };
  // After an extension under way, which would write the place again.
  const deletePlace = (place: CallPlace) =>
    Promise.resolve(extension)
      .then(() => releaseCallPlace(pool, place))
      .catch((error: unknown) =>
        logger.warn({ err: error }, 'the place of a call could not be released: it expires'),
      );
  return {
    /** Undefined: all places are held. */
    async take(mcpServerId: string, limit: number): Promise<CallPlace | undefined> {
      const place = { id: randomUUID(), mcpServerId };
      if (!(await takeCallPlace(pool, place, limit))) return undefined;
      held.set(place.id, place);
      interval ??= setInterval(extend, EXTEND_INTERVAL_MS).unref();
      return place;
    },
    /** Never rejects. */
    async release(place: CallPlace): Promise<void> {
      held.delete(place.id);
      if (held.size === 0) {
        clearInterval(interval);
        interval = undefined;
      }
      await deletePlace(place);
    },
  };
}
