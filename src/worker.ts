import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createCallLimits, type Share } from './activities/call-limits.ts';
import { createActivities } from './activities/create-activities.ts';
import { closeWithin } from './async/close-within.ts';
import type { WorkerConfig } from './config/load-config.ts';
import { type Availability, createAvailability } from './logging/availability.ts';
import { type Logger, logReady } from './logging/logger.ts';
import { createStepLogSinks } from './logging/step-log-sinks.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { createServices, type Services } from './process/services.ts';
import { temporalFailure, temporalUnreachable } from './process/temporal-failure.ts';
import { guardReplays } from './temporal/guard-replays.ts';
import { createTemporalLogger } from './temporal/temporal-logger.ts';
import { type WatchedTemporal, watchTemporal } from './temporal/watch-temporal.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';
import { runWhileKeysFit } from './vault/boot-check/run-while-keys-fit.ts';
import { type Announcer, announceConnections } from './webhooks/announce-connections.ts';
import type { WebhookReceiver } from './webhooks/send-webhook.ts';
import { createStepSinks } from './webhooks/step-sinks.ts';

/** A worker process' worth of Latchkey. */
export interface RunningWorker {
  /**
   * Resolves when the worker has drained and everything is closed. Rejects then with ConfigurationRefused or CannotRun
   * where it was the keys or the database that ended it, which could not be asked before, or Temporal.
   */
  done: Promise<void>;
  /** Stops taking tasks and sending refreshes, lets calls under way finish within the grace time, and closes. */
  shutdown(): void;
}

/** Below the 30 s that Kubernetes gives a process before it kills it. */
const SHUTDOWN_GRACE = '25s';

/** The SDK's core has no limit of its own for an address that does not answer. */
const CONNECT_WITHIN_MS = 5_000;
/** Of a start that failed: nothing is under way yet. */
const CLOSE_WITHIN_MS = 5_000;
/** A refresh under way may take so long, and its answer is the only copy of the new token. */
const DRAIN_AFTER_FAILURE_WITHIN_MS = 80_000;

/**
 * Connects, takes tasks from the task queue, and logs `ready`.
 *
 * @throws ConfigurationRefused without an encryption key that is in use
 * @throws CannotRun when the database lacks migrations, Temporal can't be reached or refuses, or the namespace does
 * not exist
 */
export async function startWorker(config: WorkerConfig, logger: Logger): Promise<RunningWorker> {
  const ending = new AbortController();
  const { rest: keysFit } = await checkKeys(config, logger, ending.signal);
  const temporal = watchTemporal(createAvailability({ logger, name: 'temporal' }));
  installRuntime(logger, temporal);
  const opened: (() => Promise<void>)[] = [];
  try {
    return await openWorker({ config, logger, temporal, keysFit, ending, opened });
  } catch (error) {
    ending.abort();
    await closeWithin(CLOSE_WITHIN_MS, opened);
    throw temporalFailure(error, config.temporal);
  }
}

interface OpenWorkerOptions {
  config: WorkerConfig;
  logger: Logger;
  temporal: WatchedTemporal;
  keysFit: Promise<void>;
  ending: AbortController;
  /** What closes all that was opened so far, the last first. */
  opened: (() => Promise<void>)[];
}

async function openWorker(options: OpenWorkerOptions): Promise<RunningWorker> {
  const { config, logger, temporal, keysFit, ending, opened } = options;
  const connection = await connectWithin(CONNECT_WITHIN_MS, config);
  opened.unshift(() => connection.close());
  temporal.watch(connection, ending.signal);
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: createDataConverter(config.payloadKeys?.reveal()),
  });
  const services = createServices(config, client, logger);
  opened.unshift(services.close);
  const worker = await Worker.create(workerOptions(config, connection, services));
  const shutDown = () => shutdown(worker, services);
  const endGuard = guardReplays(worker, services);
  const running = () =>
    runWhileKeysFit({ run: () => worker.run(), shutDown }, keysFit, ending).finally(endGuard);
  const announcer = startAnnouncing(config, services);
  if (announcer) opened.unshift(announcer.stop);
  const done = runUntilDrained(running, opened).catch((error: unknown) => {
    throw temporalFailure(error, config.temporal);
  });
  logReady(logger, { role: 'worker', taskQueue: config.taskQueue, version: config.version });
  return { done, shutdown: shutDown };
}

async function connectWithin(ms: number, { temporal }: WorkerConfig): Promise<NativeConnection> {
  const tired = new AbortController();
  const connecting = NativeConnection.connect(temporal.connection.reveal());
  const late = delay(ms, undefined, { signal: tired.signal }).then(() => {
    throw temporalUnreachable(temporal);
  });
  return Promise.race([connecting, late]).finally(() => tired.abort());
}

// Signals are the command line's: it has more than workers to shut down.
function installRuntime(logger: Logger, temporal: Availability): void {
  Runtime.install({
    logger: createTemporalLogger(logger, temporal),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  });
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
    sinks: {
      ...createStepSinks({ ...services, taskQueue: config.taskQueue }, config.webhooks !== undefined),
      ...createStepLogSinks(services.logger),
    },
    ...versioning(config),
    shutdownGraceTime: SHUTDOWN_GRACE,
    // How long a step's next task waits for the worker that has it in memory before any other takes it over:
    // what a resumption costs at most after a worker was killed.
    stickyQueueScheduleToStartTimeout: '5s',
    maxConcurrentActivityTaskExecutions: config.maxConcurrentActivities,
    ...(config.maxCachedWorkflows !== undefined && { maxCachedWorkflows: config.maxCachedWorkflows }),
    // A cancellation reaches an activity with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: '5s',
    defaultHeartbeatThrottleInterval: '5s',
  };
}

// Renewals and lists may take a fifth more, which still leaves slots for others.
function shareOf({ maxConcurrentActivities: slots, ...config }: WorkerConfig): Share {
  return {
    perUser: config.maxCallsPerUser ?? Math.max(Math.floor(slots / 4), 1),
    perServer: config.maxCallsPerServer ?? Math.max(Math.floor((slots * 3) / 4), 1),
  };
}

// Auto-upgrade: a step that has waited for weeks goes on with the version that is current then, so no old worker
// has to be kept for it. That takes code that replays the histories of its predecessors: `test/replay` sees to it.
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

/** Tells of connections from now on, where somebody is to be told. */
export function startAnnouncing(
  { webhooks, taskQueue, publicUrl }: WorkerConfig,
  services: Services,
): Announcer | undefined {
  return webhooks && announceConnections({ ...services, taskQueue, publicUrl });
}

function webhookReceiver({ webhooks }: WorkerConfig): WebhookReceiver | undefined {
  return webhooks && { url: webhooks.url.reveal(), secrets: webhooks.secrets.reveal() };
}

// Bundled by `npm run build`; from source (in tests) the SDK bundles at start.
function workflowCode({
  payloadKeys,
}: Pick<WorkerConfig, 'payloadKeys'>): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const bundle = payloadKeys ? './workflow-bundle-encrypting.js' : './workflow-bundle.js';
  const codePath = fileURLToPath(new URL(bundle, import.meta.url));
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  return { workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)) };
}

// A refresh that is begun at the end of the grace time could take a minute beyond it.
function shutdown(worker: Worker, { renewal }: Services): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
  void renewal.drain();
}

async function runUntilDrained(
  run: () => Promise<void>,
  opened: readonly (() => Promise<void>)[],
): Promise<void> {
  try {
    await run();
  } catch (error) {
    await closeWithin(DRAIN_AFTER_FAILURE_WITHIN_MS, opened);
    throw error;
  }
  for (const close of opened) await close();
}
