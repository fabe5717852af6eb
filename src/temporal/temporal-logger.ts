import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/worker';
import { type Availability, createAvailability } from '../logging/availability.ts';
import type { Logger } from '../logging/logger.ts';

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>;

/** The target of the core's lines about repeated calls. Its pollers write forty such lines in ten seconds. */
const RETRIES = 'temporalio_client::retry';
/** A line of the core that differs only in its numbers is logged again after this time. */
const REPEAT_LINE_AFTER_MS = 60_000;

/**
 * A logger for `Runtime.install({ logger })`: writes the lines of the SDK, workflows and activities to our log.
 *
 * @param temporal is notified of outages, which replaces the line for each failed call
 */
export function createTemporalLogger(
  logger: Logger,
  temporal: Availability = createAvailability({ logger, name: 'temporal' }),
): TemporalLogger {
  const isRepeated = rememberLines();
  const log = (level: LogLevel, message: string, meta: LogMetadata = {}) => {
    if (meta.sdkComponent === 'core') {
      if (meta.target === RETRIES) return temporal.unavailable(causeOf(meta.error));
      if (isRepeated(`${meta.target} ${message}`)) return;
    }
    logger[LEVELS[level]](meta, message);
  };
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}

/** Returns `unavailable` for `Status { code: Unavailable, … }`. The text of the status is not ours to log. */
function causeOf(error: unknown): string {
  const [, code = 'Unknown'] = /code: ['"]?([A-Za-z]+)/.exec(String(error)) ?? [];
  return code.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

function rememberLines(): (line: string) => boolean {
  const loggedAt = new Map<string, number>();
  return (line) => {
    const kind = line.replace(/\d+/g, '#').slice(0, 200);
    const now = performance.now();
    for (const [other, at] of loggedAt) if (now - at >= REPEAT_LINE_AFTER_MS) loggedAt.delete(other);
    if (loggedAt.has(kind)) return true;
    loggedAt.set(kind, now);
    return false;
  };
}
