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

/** What the SDK's core says of each call that it repeats, of each of its pollers: forty lines in ten seconds. */
const RETRIES = 'temporalio_client::retry';
/** The same line of the core, but for its numbers, is told again after so long. */
const SAME_LINE_AFTER_MS = 60_000;

/**
 * For `Runtime.install({ logger })`: the SDK's own lines, and those of workflows and activities, in our log.
 *
 * @param temporal told of outages, in the place of a line a call
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

/** `unavailable` for `Status { code: Unavailable, … }`: the status's text is another system's. */
function causeOf(error: unknown): string {
  const [, code = 'Unknown'] = /code: ['"]?([A-Za-z]+)/.exec(String(error)) ?? [];
  return code.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

function rememberLines(): (line: string) => boolean {
  const toldAt = new Map<string, number>();
  return (line) => {
    const kind = line.replace(/\d+/g, '#').slice(0, 200);
    const now = performance.now();
    for (const [other, at] of toldAt) if (now - at >= SAME_LINE_AFTER_MS) toldAt.delete(other);
    if (toldAt.has(kind)) return true;
    toldAt.set(kind, now);
    return false;
  };
}
