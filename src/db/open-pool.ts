import type { Availability } from '../logging/availability.ts';
import type { Logger } from '../logging/logger.ts';
import { createPool, type Pool } from './pool.ts';

export interface OpenPoolOptions {
  databaseUrl: string;
  /** The highest number of connections. */
  size: number;
  /**
   * Receives the report of a lost idle connection. A long-running process passes an `Availability`: a restart of
   * Postgres ends every idle connection at once, and only the first is logged. A short command passes its logger.
   */
  reportTo: Availability | Pick<Logger, 'warn'>;
}

/** Opens a connection pool that reports lost idle connections. */
export function openPool({ databaseUrl, size, reportTo }: OpenPoolOptions): Pool {
  if ('warn' in reportTo) {
    const onIdleError = (error: Error) =>
      reportTo.warn({ err: error }, 'an idle database connection was lost');
    return createPool({ databaseUrl, size, onIdleError });
  }
  return createPool({
    databaseUrl,
    size,
    onIdleError: () => reportTo.unavailable('connection-lost'),
    onConnect: () => reportTo.available(),
  });
}
