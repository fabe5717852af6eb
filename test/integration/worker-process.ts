import { loadConfig, type WorkerConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { startWorker } from '../../src/worker.ts';
import { runTypescript, type TypescriptProcess } from '../support/child-process.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';

/** A worker in a process of its own; resolves when it takes tasks. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<TypescriptProcess> {
  const worker = runTypescript(
    `import { runWorker } from './test/integration/worker-process.ts';
     await runWorker(JSON.parse(process.env.DATA));`,
    environment,
  );
  await worker.nextLine();
  return worker;
}

/** What that process does: a worker until SIGTERM. */
export async function runWorker(environment: Record<string, string>): Promise<void> {
  quietTemporal();
  const config = configFrom(environment);
  const worker = await startWorker(config, createLogger({ level: config.logLevel }));
  process.once('SIGTERM', worker.shutdown);
  await worker.done;
}

export function configFrom(environment: Record<string, string>): WorkerConfig {
  const loaded = loadConfig('worker', environment);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}
