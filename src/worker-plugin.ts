import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noopMetricMeter } from '@temporalio/common';
import {
  type BundlerPlugin,
  type NativeConnection,
  Runtime,
  type Worker,
  type WorkerOptions,
  type WorkerPlugin,
} from '@temporalio/worker';
import { formatProblems, loadConfig, type WorkerConfig } from './config/load-config.ts';
import { present } from './contracts/present.ts';
import { createLogger, type Logger } from './logging/logger.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { shutDownOnce, stopRefreshesOnShutdown } from './process/drain-worker.ts';
import { createServices, type Services } from './process/services.ts';
import { workerOptions } from './process/worker-options.ts';
import { watchWaitingSteps } from './steps/watch-waiting-steps.ts';
import { createMetrics } from './telemetry/metrics/metrics.ts';
import { createTemporalMeter } from './telemetry/metrics/temporal-meter.ts';
import { logSetupProblems } from './temporal/check-setup.ts';
import { guardReplays } from './temporal/guard-replays.ts';
import { connectionProblem, refuseSecondWorkflowSdk, sharedPackageProblem } from './temporal/one-sdk.ts';
import { openTemporalClient } from './temporal/open-client.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';
import { runUntilKeyCheckFails } from './vault/boot-check/run-until-key-check-fails.ts';
import { startAnnouncing } from './worker.ts';

/** How Latchkey runs in a Worker of another program. */
export interface LatchkeyPluginOptions {
  /** The variables that configure `latchkey worker`. Default: the process's environment. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Default: JSON lines on standard output. */
  logger?: Logger;
}

/**
 * The package export `latchkey/worker`: runs Latchkey's activities in a Worker of another program. The plugin uses the
 * Worker's own connection to Temporal; database, keys and network policy are configured as for `latchkey worker`.
 * Together with the workflows of `latchkey/workflow` it makes a complete Latchkey worker. One plugin serves one Worker.
 *
 * Latchkey's metrics go to the meter of the process's Runtime, so they appear where the program exports those of its
 * Workers (docs/metrics.md). `METRICS_PORT` has no effect here.
 *
 * Bundling fails, or `Worker.create`, if the application and Latchkey import different copies of a Temporal package; the
 * message names both versions.
 *
 * @throws when the configuration has problems; the message names all of them, and no value
 */
export function createLatchkeyPlugin(options: LatchkeyPluginOptions = {}): WorkerPlugin & BundlerPlugin {
  const config = configOf(options);
  const logger = options.logger ?? createLogger({ level: config.logLevel });
  let configured: Configured | undefined;
  return {
    name: 'latchkey',
    configureBundler: (own) => ({
      ...own,
      payloadConverterPath: own.payloadConverterPath ?? converterPath(),
      webpackConfigHook: (config) => refuseSecondWorkflowSdk(own.webpackConfigHook?.(config) ?? config),
    }),
    configureWorker(own) {
      if (configured !== undefined) throw new Error('one Latchkey plugin is for one Worker');
      const connection = connectionOf(own);
      refuseTwoCopies(connection);
      configured = configure(config, logger, { ...own, connection });
      const dataConverter = createDataConverter(config.payloadKeys?.reveal(), own.dataConverter);
      const latchkey = workerOptions(configured.config, connection, configured.services);
      return withLatchkey({ ...own, dataConverter }, latchkey);
    },
    async runWorker(worker, next) {
      const endBackground = configured && startBackground(worker, configured);
      const ending = new AbortController();
      const keyCheck = checkKeys(config, logger, ending.signal).then(({ rest }) => rest);
      try {
        // The worker runs while its keys are checked, because the SDK expects it to run at once: a shutdown before
        // that is not repeated.
        const running = { run: () => next(worker), shutDown: () => shutDownOnce(worker) };
        await runUntilKeyCheckFails(running, keyCheck, ending);
      } finally {
        await endBackground?.();
      }
    },
  };
}

/** What belongs to the one Worker of a plugin. */
interface Configured {
  config: WorkerConfig;
  services: Services;
  /** The program exports the metrics of its Workers. */
  exportsMetrics: boolean;
}

function configure(
  config: WorkerConfig,
  logger: Logger,
  own: WorkerOptions & { connection: NativeConnection },
): Configured {
  const temporal = { namespace: own.namespace ?? 'default' };
  const client = openTemporalClient(
    own.connection,
    { ...config, temporal },
    { dataConverter: own.dataConverter },
  );
  // Workflows that the activities start must be started on this Worker's task queue.
  const ofWorker = { ...config, taskQueue: own.taskQueue };
  const { metricMeter } = Runtime.instance();
  const metrics = createMetrics(createTemporalMeter(metricMeter));
  return {
    config: ofWorker,
    services: createServices(ofWorker, client, logger, { metrics }),
    exportsMetrics: metricMeter !== noopMetricMeter,
  };
}

/** Starts what runs beside the Worker, and returns a function that ends it and closes everything. */
function startBackground(
  worker: Worker,
  { config, services, exportsMetrics }: Configured,
): () => Promise<void> {
  const announcer = startAnnouncing(config, services);
  const { renewal, logger } = services;
  const endPolling = stopRefreshesOnShutdown(worker, renewal, () => logger.info('draining'));
  const endGuard = guardReplays(worker, services);
  const endCounting = exportsMetrics ? watchWaitingSteps(services) : undefined;
  void logSetupProblems({ ...services, taskQueue: config.taskQueue });
  return async () => {
    endPolling();
    endGuard();
    await endCounting?.();
    await announcer?.stop();
    await services.close();
  };
}

// The file with the same extension as this one: `.js` in a build, `.ts` in the source.
function converterPath(): string {
  const name = `./contracts/exact-payload-converter${extname(import.meta.url)}`;
  return fileURLToPath(new URL(name, import.meta.url));
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

function refuseTwoCopies(connection: NativeConnection): void {
  const problem = connectionProblem(connection) ?? sharedPackageProblem();
  if (problem !== undefined) throw new Error(`the Latchkey plugin refuses ${problem}`);
}

// The Worker's own options win, except for activities and sinks of the same name. Its Nexus
// services stay beside Latchkey's.
function withLatchkey(own: WorkerOptions, latchkey: WorkerOptions): WorkerOptions {
  const {
    activities,
    nexusServices = [],
    sinks,
    shutdownGraceTime,
    maxHeartbeatThrottleInterval,
    defaultHeartbeatThrottleInterval,
  } = latchkey;
  return {
    ...present({ shutdownGraceTime, maxHeartbeatThrottleInterval, defaultHeartbeatThrottleInterval }),
    ...own,
    activities: { ...own.activities, ...activities },
    nexusServices: [...(own.nexusServices ?? []), ...nexusServices],
    sinks: { ...own.sinks, ...sinks },
  };
}
