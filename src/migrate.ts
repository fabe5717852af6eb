import { Client, Connection } from '@temporalio/client';
import type { OperatorConfig } from './config.ts';
import { migrate } from './db/migrate.ts';
import type { Logger } from './logger.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { setUpTemporal } from './temporal-setup.ts';

/** Migrates the database, then sets up Temporal. Safe to run at once from many processes, and again. */
export async function runMigrate(config: OperatorConfig, logger: Logger): Promise<void> {
  const migrations = await migrate(config.databaseUrl.reveal());
  logger.info({ migrations }, 'the database is up to date');
  const connection = await Connection.connect(config.temporal.connection.reveal());
  try {
    const client = new Client({
      connection,
      namespace: config.temporal.namespace,
      dataConverter: createDataConverter(config.payloadKeys?.reveal()),
    });
    await setUpTemporal(client, connection, { taskQueue: config.taskQueue, logger });
    logger.info({ namespace: config.temporal.namespace }, 'Temporal is set up');
  } finally {
    await connection.close();
  }
}
