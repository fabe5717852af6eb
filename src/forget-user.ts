import { Client, Connection } from '@temporalio/client';
import type { OperatorConfig } from './config.ts';
import { createPool } from './db/pool.ts';
import type { Logger } from './logger.ts';
import { type ForgetOptions, type Forgotten, forgetUser } from './offboarding/forget-user.ts';
import { createCredentialWorkflows } from './steps/credential-workflows.ts';

/** `latchkey users forget`: forgets a user with connections of its own. Temporal may be down. */
export async function runForgetUser(
  config: OperatorConfig,
  logger: Logger,
  userId: string,
  options: ForgetOptions,
): Promise<Forgotten> {
  const pool = createPool({
    databaseUrl: config.databaseUrl.reveal(),
    size: config.databasePoolSize,
    onIdleError: (error) => logger.warn({ err: error }, 'an idle database connection was lost'),
  });
  const connection = Connection.lazy(config.temporal.connection.reveal());
  try {
    const client = new Client({ connection, namespace: config.temporal.namespace });
    const workflows = createCredentialWorkflows({ client, taskQueue: config.taskQueue, logger });
    return await forgetUser({ pool, client, workflows }, userId, options);
  } finally {
    await connection.close();
    await pool.end();
  }
}
