import type { Logger } from './logger.ts';

/** Says once when something that this process needs goes away, and once when it is back. */
export interface Availability {
  /** @param cause a short code, never another system's text */
  unavailable(cause: string): void;
  available(): void;
}

export interface AvailabilityOptions {
  logger: Pick<Logger, 'info' | 'warn'>;
  /** Events are `<name>.unavailable` and `<name>.available`. */
  name: 'server' | 'temporal' | 'database';
  fields?: Record<string, string>;
  /** Milliseconds that only rise. */
  now?: () => number;
}

/** Something that comes and goes all the time says so once a minute and cause. */
const SAME_CAUSE_AFTER_MS = 60_000;

/** Each change of state, and each other cause, is one line. */
export function createAvailability(options: AvailabilityOptions): Availability {
  const { logger, name, fields = {}, now = () => performance.now() } = options;
  const toldAt = new Map<string, number>();
  let awaySince: number | undefined;
  let toldCause: string | undefined;
  return {
    unavailable(cause) {
      awaySince ??= now();
      const last = toldAt.get(cause);
      if (cause === toldCause || (last !== undefined && now() - last < SAME_CAUSE_AFTER_MS)) return;
      toldCause = cause;
      toldAt.set(cause, now());
      const event = `${name}.unavailable`;
      logger.warn({ event, ...fields, cause }, event);
    },
    available() {
      if (awaySince === undefined) return;
      const awayMs = Math.round(now() - awaySince);
      const isTold = toldCause !== undefined;
      awaySince = undefined;
      toldCause = undefined;
      const event = `${name}.available`;
      if (isTold) logger.info({ event, ...fields, awayMs }, event);
    },
  };
}
