import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from './activities/create-activities.ts';
import { checkKeys } from './check-keys.ts';
import type { WorkerConfig } from './config.ts';
import { guardReplays } from './guard-replays.ts';
import { type Logger, logReady } from './logger.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { runWhileKeysFit } from './run-while-keys-fit.ts';
import { createServices, type Services } from './services.ts';
import { createStepLogSinks } from './steps/step-log-sinks.ts';
import { createTemporalLogger } from './temporal-logger.ts';
import { type Announcer, announceConnections } from './webhooks/announce-connections.ts';
import { createStepSinks } from './webhooks/step-sinks.ts';
import type { WebhookReceiver } from './webhooks/webhook-receiver.ts';

/** A worker process' worth of Latchkey. */
export interface RunningWorker {
  /**
   * Resolves when the worker has drained and everything is closed. Rejects then with ConfigurationRefused where it was
   * the keys that ended it: the database could not be asked about them before.
   */
  done: Promise<void>;
  /** Stops taking tasks and sending refreshes, lets calls under way finish within the grace time, and closes. */
  shutdown(): void;
}

/** Below the 30 s that Kubernetes gives a process before it kills it. */
const SHUTDOWN_GRACE = '25s';

/**
 * Connects, takes tasks from the task queue, and logs `ready`.
 *
 * @throws ConfigurationRefused without an encryption key that is in use
 * @throws when Temporal can't be reached or the namespace does not exist
 */
export async function startWorker(config: WorkerConfig, logger: Logger): Promise<RunningWorker> {
  const ending = new AbortController();
  const { rest: keysFit } = await checkKeys(config, logger, ending.signal);
  installRuntime(logger);
  const connection = await NativeConnection.connect(config.temporal.connection.reveal());
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: createDataConverter(config.payloadKeys?.reveal()),
  });
  const services = createServices(config, client, logger);
  const worker = await Worker.create(workerOptions(config, connection, services));
  const shutDown = () => shutdown(worker, services);
  const endGuard = guardReplays(worker, services);
  const running = () =>
    runWhileKeysFit({ run: () => worker.run(), shutDown }, keysFit, ending).finally(endGuard);
  const done = runUntilDrained(running, startAnnouncing(config, services), services, connection);
  logReady(logger, { role: 'worker', taskQueue: config.taskQueue, version: config.version });
  return { done, shutdown: shutDown };
}

// Signals are the command line's: it has more than workers to shut down.
function installRuntime(logger: Logger): void {
  Runtime.install({
    logger: createTemporalLogger(logger),
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
  announcer: Announcer | undefined,
  services: Services,
  connection: NativeConnection,
): Promise<void> {
  try {
    await run();
  } finally {
    await announcer?.stop();
    await services.close();
    await connection.close();
  }
}
