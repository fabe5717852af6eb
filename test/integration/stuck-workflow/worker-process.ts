// A worker process with the workflows beside this file: `DATABASE_URL`, `ADDRESS`, `TASK_QUEUE`, `GUARD` (on, off).
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createPool } from '../../../src/db/pool.ts';
import { createLogger, logReady } from '../../../src/logging/logger.ts';
import { guardReplays } from '../../../src/temporal/guard-replays.ts';

const { DATABASE_URL = '', ADDRESS = '', NAMESPACE = '', TASK_QUEUE = '', GUARD } = process.env;
const logger = createLogger({ level: 'info' });
const db = createPool({ databaseUrl: DATABASE_URL, size: 2, onIdleError: () => {} });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: ADDRESS }),
  namespace: NAMESPACE,
  taskQueue: TASK_QUEUE,
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
});
if (GUARD === 'on') guardReplays(worker, { db, logger });
logReady(logger);
await worker.run();
