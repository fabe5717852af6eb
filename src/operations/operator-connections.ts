import { Client } from '@temporalio/client';
import type { OperatorConfig } from '../config/load-config.ts';
import { createPool, type Pool } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { createDataConverter } from '../payloads/data-converter.ts';
import { openTemporalConnection } from '../temporal/connection.ts';

/** What an operator's command works on. */
export interface OperatorConnections {
  pool: Pool;
  /** Connects with its first call: Temporal may be down. */
  client: Client;
}

/** Runs one command with connections of its own. */
export async function withOperatorConnections<T>(
  config: OperatorConfig,
  logger: Logger,
  work: (connections: OperatorConnections) => Promise<T>,
): Promise<T> {
  const pool = createPool({
    databaseUrl: config.databaseUrl.reveal(),
    size: config.databasePoolSize,
    onIdleError: (error) => logger.warn({ err: error }, 'an idle database connection was lost'),
  });
  const temporal = openTemporalConnection(config.temporal.connection.reveal());
  const client = new Client({
    connection: temporal.connection,
    namespace: config.temporal.namespace,
    dataConverter: createDataConverter(config.payloadKeys?.reveal()),
  });
  try {
    return await work({ pool, client });
  } finally {
    await temporal.close();
    await pool.end();
  }
}
