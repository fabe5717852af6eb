import { loadConfig, type WorkerConfig } from '../../../src/config/load-config.ts';

/** What the test has handed to this process in its environment. The type is the test's word for it. */
export function readData<Data>(): Data {
  return JSON.parse(process.env.DATA ?? 'null');
}

/** A worker's configuration, from the environment. */
export function workerConfig(): WorkerConfig {
  const loaded = loadConfig('worker');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}
