import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { closeWithin } from '../async/deadline.ts';
import type { DevConfig, ServerConfig, WorkerConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { runMigrate } from '../operations/migrate.ts';
import { CannotRun, listenFailure } from '../process/cannot-run.ts';
import { lockFolder } from '../process/lock-folder.ts';
import { observe } from '../process/observe.ts';
import { type RunningServer, startServer } from '../server.ts';
import { type RunningWorker, startWorker } from '../worker.ts';
import { startBackingServices } from './backing-services.ts';
import { dataFolderFailure, makeFolder } from './data-folder.ts';
import { removeDevAddress, writeDevAddress } from './dev-address.ts';
import { environmentOfDev, removeDevEnvironment, writeDevEnvironment } from './dev-environment.ts';
import { DEV_USER, type DevSecrets, devSecrets, removeDevToken, writeDevToken } from './dev-secrets.ts';

export interface RunningDev {
  shutdown(): Promise<void>;
  /** Rejects if one part failed, after everything has been shut down. Never resolves. */
  failed: Promise<never>;
}

/** Time limit for closing after a failed start. No request or step is in progress then. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Runs everything in one process: an embedded Postgres and Temporal if none is configured, the migrations, a
 * worker and the HTTP API.
 *
 * @throws CannotRun or ConfigurationRefused, after stopping everything that was started
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

/**
 * Checks before anything is started that the API can listen on its address.
 *
 * @throws CannotRun
 */
async function assertListenable({ host, port }: { host: string; port: number }): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen({ host, port }), 'listening');
  } catch (error) {
    throw listenFailure(error, { host, port });
  }
  probe.close();
  await once(probe, 'close');
}

async function openDataFolder(dataDir: string): Promise<DevSecrets> {
  try {
    await makeFolder(dataDir);
    return await devSecrets(dataDir);
  } catch (error) {
    throw dataFolderFailure(error, dataDir);
  }
}

/**
 * Two processes on one folder would write to the same Temporal file, and mistake the other's Postgres for a leftover.
 */
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
  // That of a process that was killed: commands trust it as soon as the folder is locked.
  await removeDevAddress(dataDir);
  await removeDevEnvironment(dataDir);
  const services = await startBackingServices(config, dataDir, logger);
  const complete: ServerConfig & WorkerConfig = {
    ...config,
    ...services.config,
    encryptionKeys: config.encryptionKeys ?? secrets.encryptionKeys,
    jwt: config.jwt ?? { kind: 'secret', secret: secrets.jwtSecret },
  };
  const started: (() => Promise<void>)[] = [];
  try {
    const observed = await observe(complete, logger);
    started.unshift(observed.close);
    await runMigrate(complete, logger);
    const worker = await startWorker(complete, logger, observed);
    started.unshift(() => stopWorker(worker));
    const server = await startServer(complete, logger, { userId: DEV_USER, observed });
    started.unshift(server.shutdown);
    const tokenFile = await issueToken(options);
    await writeDevEnvironment(dataDir, environmentOfDev(dataDir, config, services.config, secrets));
    await writeDevAddress(dataDir, server.url);
    logger.info({ url: server.url, tokenFile, temporalUi: services.temporalUi }, 'latchkey dev is up');
    return runningDev(worker, server, async () => {
      await removeDevAddress(dataDir);
      await observed.close();
      await removeDevEnvironment(dataDir);
      await services.stop();
      await release();
    });
  } catch (error) {
    await closeWithin(CLOSE_TIMEOUT_MS, started);
    await services.stop();
    throw error;
  }
}

/** Without a configured JWT key, only this process has the key, so it must issue a token itself. */
async function issueToken({ config, dataDir, secrets }: StartOptions): Promise<string | undefined> {
  if (config.jwt === undefined) return writeDevToken(dataDir, config, secrets);
  await removeDevToken(dataDir);
  return undefined;
}

function runningDev(worker: RunningWorker, server: RunningServer, stop: () => Promise<void>): RunningDev {
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    // `failed` reports the error of a part. The other parts are stopped in any case.
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
  // Without a handler, a caller that ignores `failed` would get an unhandled rejection.
  failed.catch(() => {});
  return { shutdown, failed };
}

async function stopWorker(worker: RunningWorker): Promise<void> {
  worker.shutdown();
  await worker.done;
}
