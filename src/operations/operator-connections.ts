import type { Client } from '@temporalio/client';
import type { OperatorConfig } from '../config/load-config.ts';
import { openPool } from '../db/open-pool.ts';
import type { Pool } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { openTemporalConnection } from '../temporal/connection.ts';
import { openTemporalClient } from '../temporal/open-client.ts';

export interface OperatorConnections {
  pool: Pool;
  /** Connects with its first call, so Temporal may be down. */
  client: Client;
}

/** Runs the work of one command with connections that are closed afterwards. */
export async function withOperatorConnections<T>(
  config: OperatorConfig,
  logger: Logger,
  work: (connections: OperatorConnections) => Promise<T>,
): Promise<T> {
  const pool = openPool({
    databaseUrl: config.databaseUrl.reveal(),
    size: config.databasePoolSize,
    reportTo: logger,
  });
  const temporal = openTemporalConnection(config.temporal.connection.reveal());
  try {
    return await work({ pool, client: openTemporalClient(temporal.connection, config) });
  } finally {
    await temporal.close();
    await pool.end();
  }
}
