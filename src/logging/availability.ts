import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from './logger.ts';

/** Logs once when a service that this process needs becomes unavailable, and once when it is available again. */
export interface Availability {
  /** @param cause a short code, never text of another system */
  unavailable(cause: string): void;
  available(): void;
}

export interface AvailabilityOptions {
  logger: Pick<Logger, 'info' | 'warn'>;
  /** Events are `<name>.unavailable` and `<name>.available`. */
  name: 'server' | 'temporal' | 'database' | 'egress-proxy';
  fields?: Record<string, string>;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** The same cause is logged at most once in this time, for a service that fails again and again. */
const REPEAT_CAUSE_AFTER_MS = 60_000;

/**
 * Logs one line for each change of state and for each new cause. Create it outside of requests: its lines are about the
 * process, so they belong to the context in which it was created, whichever request meets the outage.
 */
export function createAvailability(options: AvailabilityOptions): Availability {
  const { logger, name, fields = {}, now = () => performance.now() } = options;
  const loggedAt = new Map<string, number>();
  const outsideOfRequests = AsyncLocalStorage.snapshot();
  let unavailableSince: number | undefined;
  let loggedCause: string | undefined;
  return {
    unavailable(cause) {
      unavailableSince ??= now();
      const last = loggedAt.get(cause);
      if (cause === loggedCause || (last !== undefined && now() - last < REPEAT_CAUSE_AFTER_MS)) return;
      loggedCause = cause;
      loggedAt.set(cause, now());
      const event = `${name}.unavailable`;
      outsideOfRequests(() => logger.warn({ event, ...fields, cause }, event));
    },
    available() {
      if (unavailableSince === undefined) return;
      const awayMs = Math.round(now() - unavailableSince);
      const wasLogged = loggedCause !== undefined;
      unavailableSince = undefined;
      loggedCause = undefined;
      const event = `${name}.available`;
      if (wasLogged) outsideOfRequests(() => logger.info({ event, ...fields, awayMs }, event));
    },
  };
}
