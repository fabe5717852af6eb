import { Client, Connection } from '@temporalio/client';
import type { OperatorConfig } from '../config/load-config.ts';
import { migrate } from '../db/migrate.ts';
import type { Logger } from '../logging/logger.ts';
import { createDataConverter } from '../payloads/data-converter.ts';
import { databaseFailure } from '../process/cannot-run.ts';
import { temporalFailure } from '../process/temporal-failure.ts';
import { setUpTemporal } from '../temporal/setup.ts';

const CONNECT_WITHIN_MS = 5_000;

/**
 * Migrates the database, then sets up Temporal. Safe to run at once from many processes, and again.
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
    connectTimeout: CONNECT_WITHIN_MS,
  });
  try {
    const client = new Client({
      connection,
      namespace: config.temporal.namespace,
      dataConverter: createDataConverter(config.payloadKeys?.reveal()),
    });
    await setUpTemporal(client, connection, { taskQueue: config.taskQueue, logger });
  } finally {
    await connection.close();
  }
}
