import { Connection } from '@temporalio/client';
import type { OperatorConfig } from '../config/load-config.ts';
import { migrate } from '../db/migrate.ts';
import type { Logger } from '../logging/logger.ts';
import { databaseFailure } from '../process/cannot-run.ts';
import { temporalFailure } from '../process/temporal-failure.ts';
import { openTemporalClient } from '../temporal/open-client.ts';
import { setUpTemporal } from '../temporal/setup.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Migrates the database, then sets up Temporal. Safe to run again, and from many processes at the same time.
 *
 * @throws CannotRun when one of the two can't be reached or refuses
 */
export async function runMigrate(config: OperatorConfig, logger: Logger): Promise<void> {
  const migrations = await migrate(config.databaseUrl.reveal()).catch((error: unknown) => {
    throw databaseFailure(error);
  });
  logger.info({ migrations }, 'the database is up to date');
  await setUp(config, logger).catch((error: unknown) => {
    throw temporalFailure(error, config.temporal);
  });
  logger.info({ namespace: config.temporal.namespace }, 'Temporal is set up');
}

async function setUp(config: OperatorConfig, logger: Logger): Promise<void> {
  const connection = await Connection.connect({
    ...config.temporal.connection.reveal(),
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  try {
    const client = openTemporalClient(connection, config);
    await setUpTemporal(client, connection, { taskQueue: config.taskQueue, logger });
  } finally {
    await connection.close();
  }
}
