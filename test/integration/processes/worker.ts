// Run in a process of its own by `startWorkerProcess`: a worker until SIGTERM.
import { createLogger } from '../../../src/logger.ts';
import { startWorker } from '../../../src/worker.ts';
import { quietTemporal } from '../../support/quiet-temporal.ts';
import { readData, workerConfig } from './process-data.ts';

quietTemporal();
const config = workerConfig(readData<Record<string, string>>());
const worker = await startWorker(config, createLogger({ level: config.logLevel }));
process.once('SIGTERM', worker.shutdown);
await worker.done;
