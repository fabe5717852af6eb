import { resolve } from 'node:path';
import { closeWithin } from '../async/deadline.ts';
import type { DevConfig, ServerConfig, WorkerConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { runMigrate } from '../operations/migrate.ts';
import { CannotRun } from '../process/cannot-run.ts';
import { type RunningServer, startServer } from '../server.ts';
import { type RunningWorker, startWorker } from '../worker.ts';
import { assertListenable } from './assert-listenable.ts';
import { startBackingServices } from './backing-services.ts';
import { dataFolderFailure, makeFolder } from './data-folder.ts';
import { type DevSecrets, devSecrets, writeDevToken } from './dev-secrets.ts';
import { lockFolder } from './embedded/lock-folder.ts';

export interface RunningDev {
  shutdown(): Promise<void>;
  /** Rejects after everything had to be shut down because one part failed. Never resolves. */
  failed: Promise<never>;
}

/** Of a start that failed: nothing is under way yet. */
const CLOSE_WITHIN_MS = 5_000;

/**
 * All in one process: Postgres and Temporal where none is configured, migrations, worker and HTTP API.
 *
 * @throws CannotRun or ConfigurationRefused, when everything that was started is stopped again
 */
export async function startDev(config: DevConfig, logger: Logger): Promise<RunningDev> {
  await assertListenable(config);
  const dataDir = resolve(config.dataDir);
  const secrets = await openDataFolder(dataDir);
  const release = await lock(dataDir);
  try {
    return await startLocked({ config, dataDir, secrets, release, logger });
  } catch (error) {
    await release();
    throw error;
  }
}

async function openDataFolder(dataDir: string): Promise<DevSecrets> {
  try {
    await makeFolder(dataDir);
    return await devSecrets(dataDir);
  } catch (error) {
    throw dataFolderFailure(error, dataDir);
  }
}

/** Two at once would write to one Temporal's file, and each take the other's Postgres for a leftover. */
async function lock(dataDir: string): Promise<() => Promise<void>> {
  const lock = await lockFolder(dataDir);
  if (lock.kind === 'locked') return lock.release;
  throw new CannotRun(
    `another \`latchkey dev\` uses the data folder ${dataDir}: stop it, or set LATCHKEY_DATA_DIR to another one`,
  );
}

interface StartOptions {
  config: DevConfig;
  dataDir: string;
  secrets: DevSecrets;
  release: () => Promise<void>;
  logger: Logger;
}

async function startLocked(options: StartOptions): Promise<RunningDev> {
  const { config, dataDir, secrets, release, logger } = options;
  const backingServices = await startBackingServices(config, dataDir, logger);
  const complete: ServerConfig & WorkerConfig = {
    ...config,
    ...backingServices.config,
    encryptionKeys: config.encryptionKeys ?? secrets.encryptionKeys,
    jwt: config.jwt ?? { kind: 'secret', secret: secrets.jwtSecret },
  };
  const started: (() => Promise<void>)[] = [];
  try {
    await runMigrate(complete, logger);
    const worker = await startWorker(complete, logger);
    started.unshift(() => stopWorker(worker));
    const server = await startServer(complete, logger);
    started.unshift(server.shutdown);
    // With keys of its own nobody else could make a token for it.
    const tokenFile = config.jwt === undefined ? await writeDevToken(dataDir, config, secrets) : undefined;
    logger.info({ url: server.url, tokenFile, temporalUi: backingServices.temporalUi }, 'latchkey dev is up');
    return runningDev(worker, server, async () => {
      await backingServices.stop();
      await release();
    });
  } catch (error) {
    await closeWithin(CLOSE_WITHIN_MS, started);
    await backingServices.stop();
    throw error;
  }
}

function runningDev(worker: RunningWorker, server: RunningServer, stop: () => Promise<void>): RunningDev {
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    // What one of them ended with is `failed`'s to tell: the other and the servers below are stopped all the same.
    await Promise.allSettled([server.shutdown(), stopWorker(worker)]);
    await stop();
  };
  const shutdown = () => {
    stopping ??= stopAll();
    return stopping;
  };
  const ended = worker.done.then(() => new Promise<never>(() => {}));
  const failed = Promise.race([ended, server.refused]).catch(async (error: unknown) => {
    await shutdown();
    throw error;
  });
  // It need not be listened to.
  failed.catch(() => {});
  return { shutdown, failed };
}

async function stopWorker(worker: RunningWorker): Promise<void> {
  worker.shutdown();
  await worker.done;
}
