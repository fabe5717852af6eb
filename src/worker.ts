import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type BundlerPlugin,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkerPlugin,
} from '@temporalio/worker';
import { createCallLimits, type Share } from './activities/call-limits.ts';
import { createActivities } from './activities/create-activities.ts';
import { closeWithin, raceTimeout } from './async/deadline.ts';
import { noteSinks } from './changes/note-sinks.ts';
import type { WorkerConfig } from './config/load-config.ts';
import { refuseUnmigrated } from './db/migrations.ts';
import { createAvailability } from './logging/availability.ts';
import { type Logger, logReady } from './logging/logger.ts';
import { createStepLogSinks } from './logging/step-log-sinks.ts';
import { createNexusServices } from './nexus/create-nexus-services.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { CannotRun } from './process/cannot-run.ts';
import { drainWorker, runUntilDrained } from './process/drain-worker.ts';
import type { Probes } from './process/metrics-port.ts';
import { type Observed, observe } from './process/observe.ts';
import { createServices, type Services } from './process/services.ts';
import { temporalFailure, temporalUnreachable } from './process/temporal-failure.ts';
import { tuningOptions } from './process/tuning-options.ts';
import { watchWaitingSteps } from './steps/watch-waiting-steps.ts';
import { logSetupProblems } from './temporal/check-setup.ts';
import { createCoreMetrics } from './temporal/core-metrics.ts';
import { guardReplays } from './temporal/guard-replays.ts';
import { sdkVersion, sharedPackageProblem } from './temporal/one-sdk.ts';
import { openTemporalClient } from './temporal/open-client.ts';
import { createTemporalLogger } from './temporal/temporal-logger.ts';
import { traceActivities } from './temporal/trace-interceptors.ts';
import { type WatchedTemporal, watchTemporal } from './temporal/watch-temporal.ts';
import { workflowBundleOptions } from './temporal/workflow-bundle-options.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';
import { runUntilKeyCheckFails } from './vault/boot-check/run-until-key-check-fails.ts';
import { type Announcer, announceConnections } from './webhooks/announce-connections.ts';
import type { WebhookReceiver } from './webhooks/send-webhook.ts';
import { createStepSinks } from './webhooks/step-sinks.ts';

/** A worker in this process, with everything that it uses. */
export interface RunningWorker {
  /**
   * Resolves when the worker has drained and everything is closed. Rejects instead with CannotRun when Temporal ended
   * the worker, and with ConfigurationRefused or CannotRun when a late key check did: the database may have been away
   * at the start.
   */
  done: Promise<void>;
  /** Drains: see `process/drain-worker.ts`. */
  shutdown(): void;
}

/** Shorter than the 30 s after which Kubernetes kills a process. */
const SHUTDOWN_GRACE = '25s';

/** The SDK's core sets no time limit for an address that does not answer. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The time limit for closing after a failed start, when no task is under way yet. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Connects, takes tasks from the task queue, and logs `ready`.
 *
 * @throws ConfigurationRefused when an encryption key that is in use is missing
 * @throws CannotRun when the database lacks migrations, Temporal can't be reached or refuses, the namespace does not
 * exist, or one of Temporal's packages is installed in two copies that should be one
 * @param shared of `latchkey dev`, which closes it. Default: the worker opens and closes the port of its metrics itself
 */
export async function startWorker(
  config: WorkerConfig,
  logger: Logger,
  shared?: Observed,
): Promise<RunningWorker> {
  const twoCopies = sharedPackageProblem();
  if (twoCopies !== undefined) throw new CannotRun(`the worker can't run with ${twoCopies}`);
  const observed = shared ?? (await observe(config, logger));
  observed.port?.serveProbes(startingProbes(config));
  const ending = new AbortController();
  const closers: (() => Promise<void>)[] = shared ? [] : [observed.close];
  const { rest: keyCheck } = await checkKeys(config, logger, ending.signal).catch(async (error: unknown) => {
    await closeWithin(CLOSE_TIMEOUT_MS, closers);
    throw error;
  });
  try {
    const temporal = watchTemporal(createAvailability({ logger, name: 'temporal' }));
    await installRuntime(logger, temporal, observed);
    return await openWorker({ config, logger, temporal, observed, keyCheck, ending, closers });
  } catch (error) {
    ending.abort();
    await closeWithin(CLOSE_TIMEOUT_MS, closers);
    throw temporalFailure(error, config.temporal);
  }
}

interface OpenWorkerOptions {
  config: WorkerConfig;
  logger: Logger;
  temporal: WatchedTemporal;
  observed: Observed;
  keyCheck: Promise<void>;
  ending: AbortController;
  /** Functions that close what was opened so far, the last first. */
  closers: (() => Promise<void>)[];
}

async function openWorker(options: OpenWorkerOptions): Promise<RunningWorker> {
  const { config, logger, temporal, observed, keyCheck, ending, closers } = options;
  const connection = await connect(config);
  closers.unshift(() => connection.close());
  temporal.watch(connection, ending.signal);
  const services = createServices(config, openTemporalClient(connection, config, observed), logger, observed);
  closers.unshift(services.close);
  const worker = await Worker.create(workerOptions(config, connection, services));
  let isDraining = false;
  const shutDown = () => {
    isDraining = true;
    drainWorker(worker, services.renewal);
  };
  const endGuard = guardReplays(worker, services);
  const running = () =>
    runUntilKeyCheckFails({ run: () => worker.run(), shutDown }, keyCheck, ending).finally(endGuard);
  const announcer = startAnnouncing(config, services);
  if (announcer) closers.unshift(announcer.stop);
  if (observed.port !== undefined) closers.unshift(watchWaitingSteps(services));
  const done = runUntilDrained(running, closers).catch((error: unknown) => {
    throw temporalFailure(error, config.temporal);
  });
  observed.port?.serveProbes({
    version: config.version,
    isDraining: () => isDraining,
    checks: {
      polling: () => assertPolling(worker, temporal),
      postgres: () => refuseUnmigrated(services.pool),
    },
  });
  void logSetupProblems({ ...services, taskQueue: config.taskQueue });
  logReady(logger, { role: 'worker', taskQueue: config.taskQueue, version: config.version });
  return { done, shutdown: shutDown };
}

async function connect({ temporal }: WorkerConfig): Promise<NativeConnection> {
  const connecting = NativeConnection.connect(temporal.connection.reveal());
  return raceTimeout({ ms: CONNECT_TIMEOUT_MS }, connecting, () => {
    throw temporalUnreachable(temporal);
  });
}

// The command line handles signals: it shuts down more than workers.
async function installRuntime(
  logger: Logger,
  temporal: WatchedTemporal,
  { port }: Pick<Observed, 'port'>,
): Promise<void> {
  const core = port && (await createCoreMetrics());
  Runtime.install({
    logger: createTemporalLogger(logger, temporal),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(core && { metrics: core.exporter }),
    },
  });
  if (core) port.addSource(core.read);
}

/** While it starts, a worker is alive and not ready. */
function startingProbes({ version }: WorkerConfig): Probes {
  return {
    version,
    isDraining: () => false,
    checks: { polling: () => Promise.reject(new Error('starting')) },
  };
}

// The state alone says nothing of Temporal: the SDK polls on while Temporal is away.
async function assertPolling(worker: Worker, temporal: WatchedTemporal): Promise<void> {
  if (worker.getState() !== 'RUNNING') throw new Error('the worker does not poll');
  if (!(await temporal.answers())) throw new Error('Temporal does not answer');
}

export function workerOptions(
  config: WorkerConfig,
  connection: NativeConnection,
  services: Services,
): WorkerOptions {
  return {
    connection,
    namespace: config.temporal.namespace,
    taskQueue: config.taskQueue,
    ...workflowCode(config),
    dataConverter: createDataConverter(config.payloadKeys?.reveal()),
    activities: createActivities({
      ...services,
      publicUrl: config.publicUrl,
      limits: createCallLimits(shareOf(config)),
      retention: config,
      webhookReceiver: webhookReceiver(config),
    }),
    nexusServices: createNexusServices({ ...services, taskQueue: config.taskQueue }),
    sinks: noteSinks(
      {
        ...createStepSinks({ ...services, taskQueue: config.taskQueue }, config.webhooks !== undefined),
        ...createStepLogSinks(services.logger, ({ reason, waitedMs }) =>
          services.metrics.resumed(reason, waitedMs / 1000),
        ),
      },
      services.changes,
    ),
    ...versioning(config),
    ...(services.tracing && { interceptors: { activity: [traceActivities(services.tracing)] } }),
    shutdownGraceTime: SHUTDOWN_GRACE,
    // A step's next task waits this long for the worker that has the step in memory; then any worker takes it. So
    // a resumption is delayed by at most this long after a worker was killed.
    stickyQueueScheduleToStartTimeout: '5s',
    ...tuningOptions(config),
    // A cancellation reaches an activity in the response to a heartbeat.
    maxHeartbeatThrottleInterval: '5s',
    defaultHeartbeatThrottleInterval: '5s',
  };
}

// The defaults leave slots for other users and servers, even with the fifth more that renewals and lists may take.
function shareOf({ maxConcurrentActivities: slots, ...config }: WorkerConfig): Share {
  return {
    perUser: config.maxCallsPerUser ?? Math.max(Math.floor(slots / 4), 1),
    perServer: config.maxCallsPerServer ?? Math.max(Math.floor((slots * 3) / 4), 1),
  };
}

// Auto-upgrade: a step that has waited for weeks goes on with the version that is current then, so no old worker has
// to keep running for it. This requires code that replays the histories of earlier versions; `test/replay` checks it.
function versioning({ deployment }: WorkerConfig): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deployment === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: deployment.name, buildId: deployment.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

/** Starts delivering webhooks of connections, if a receiver is configured. */
export function startAnnouncing(
  { webhooks, taskQueue, publicUrl }: WorkerConfig,
  services: Services,
): Announcer | undefined {
  return webhooks && announceConnections({ ...services, taskQueue, publicUrl });
}

function webhookReceiver({ webhooks }: WorkerConfig): WebhookReceiver | undefined {
  return webhooks && { url: webhooks.url.reveal(), secrets: webhooks.secrets.reveal() };
}

// `npm run build` bundles the workflow code with the SDK that it has. Beside another version of the SDK, and from source
// (in tests), the worker bundles the code at its start, like scripts/bundle-workflows.mjs.
function workflowCode({
  payloadKeys,
}: Pick<WorkerConfig, 'payloadKeys'>): Pick<
  WorkerOptions,
  'workflowBundle' | 'workflowsPath' | 'bundlerOptions' | 'plugins'
> {
  const bundle = payloadKeys ? 'workflow-bundle-encrypting' : 'workflow-bundle';
  const codePath = besideThis(`${bundle}-${sdkVersion()}.js`);
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  const { workflowsPath, payloadConverterPath, preloadModules } = workflowBundleOptions();
  const plugin: WorkerPlugin & BundlerPlugin = {
    name: 'latchkey-workflows',
    configureBundler: (own) => ({ ...own, payloadConverterPath }),
  };
  return { workflowsPath, bundlerOptions: { preloadModules }, plugins: [plugin] };
}

function besideThis(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
