import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import type {
  BundlerPlugin,
  NativeConnection,
  Worker,
  WorkerOptions,
  WorkerPlugin,
} from '@temporalio/worker';
import { formatProblems, loadConfig, type WorkerConfig } from './config/load-config.ts';
import { createLogger, type Logger } from './logging/logger.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { drainWithWorker } from './process/drain-with-worker.ts';
import { createServices, type Services } from './process/services.ts';
import { guardReplays } from './temporal/guard-replays.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';
import { runWhileKeysFit } from './vault/boot-check/run-while-keys-fit.ts';
import { startAnnouncing, workerOptions } from './worker.ts';

export interface LatchkeyPluginOptions {
  /** The variables of `latchkey worker`. Default: the process's environment. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Default: JSON lines on standard output. */
  logger?: Logger;
}

/**
 * Lets a Worker of one's own run Latchkey's activities. It connects to Temporal as the Worker does; database,
 * keys and network policy are configured as for `latchkey worker`. Together with the workflows of
 * `latchkey/workflow` it makes a whole Latchkey worker. One plugin is for one Worker.
 *
 * @throws when the configuration has problems; the message names all of them, and no value
 */
export function createLatchkeyPlugin(options: LatchkeyPluginOptions = {}): WorkerPlugin & BundlerPlugin {
  let config = configOf(options);
  const logger = options.logger ?? createLogger({ level: config.logLevel });
  let services: Services | undefined;
  return {
    name: 'latchkey',
    configureBundler: (own) => ({
      ...own,
      payloadConverterPath: own.payloadConverterPath ?? converterPath(),
    }),
    configureWorker(own) {
      if (services !== undefined) throw new Error('one Latchkey plugin is for one Worker');
      const connection = connectionOf(own);
      // What is started from here must land where this Worker looks.
      config = { ...config, taskQueue: own.taskQueue };
      const dataConverter = createDataConverter(config.payloadKeys?.reveal(), own.dataConverter);
      const converting = { ...own, dataConverter };
      services = createServices(config, clientOf(converting, connection), logger);
      return withLatchkey(converting, workerOptions(config, connection, services));
    },
    async runWorker(worker, next) {
      const announcer = services && startAnnouncing(config, services);
      const endLook = services && drainWithWorker(worker, services.renewal, () => logger.info('draining'));
      const endGuard = services && guardReplays(worker, services);
      const ending = new AbortController();
      const keysFit = checkKeys(config, logger, ending.signal).then(({ rest }) => rest);
      try {
        // The SDK counts on a worker that runs at once: what shuts it down early does not look again.
        await runWhileKeysFit({ run: () => next(worker), shutDown: () => shutDown(worker) }, keysFit, ending);
      } finally {
        endLook?.();
        endGuard?.();
        await announcer?.stop();
        await services?.close();
      }
    },
  };
}

// Of the same kind as this file: built, or from source.
function converterPath(): string {
  const name = `./contracts/exact-payload-converter${extname(import.meta.url)}`;
  return fileURLToPath(new URL(name, import.meta.url));
}

function shutDown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}

function configOf({ environment }: LatchkeyPluginOptions): WorkerConfig {
  const loaded = loadConfig('worker', environment);
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
  return loaded.config;
}

function connectionOf({ connection }: WorkerOptions): NativeConnection {
  if (connection === undefined) throw new Error('the Latchkey plugin needs a Worker with a connection');
  return connection;
}

function clientOf({ namespace, dataConverter }: WorkerOptions, connection: NativeConnection): Client {
  return new Client({
    connection,
    ...(namespace !== undefined && { namespace }),
    ...(dataConverter && { dataConverter }),
  });
}

// What the Worker says itself wins, but for the activities' own names.
function withLatchkey(own: WorkerOptions, latchkey: WorkerOptions): WorkerOptions {
  const {
    activities,
    sinks,
    shutdownGraceTime,
    maxHeartbeatThrottleInterval,
    defaultHeartbeatThrottleInterval,
  } = latchkey;
  return {
    ...(shutdownGraceTime !== undefined && { shutdownGraceTime }),
    ...(maxHeartbeatThrottleInterval !== undefined && { maxHeartbeatThrottleInterval }),
    ...(defaultHeartbeatThrottleInterval !== undefined && { defaultHeartbeatThrottleInterval }),
    ...own,
    activities: { ...own.activities, ...activities },
    sinks: { ...own.sinks, ...sinks },
  };
}
