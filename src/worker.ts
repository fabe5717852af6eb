import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { closeWithin, raceTimeout } from './async/deadline.ts';
import type { WorkerConfig } from './config/load-config.ts';
import { refuseUnmigrated } from './db/migrations.ts';
import { createAvailability } from './logging/availability.ts';
import { type Logger, logReady } from './logging/logger.ts';
import { CannotRun } from './process/cannot-run.ts';
import { drainWorker, runUntilDrained } from './process/drain-worker.ts';
import type { Probes } from './process/metrics-port.ts';
import { type Observed, observe } from './process/observe.ts';
import { createServices, type Services } from './process/services.ts';
import { temporalFailure, temporalUnreachable } from './process/temporal-failure.ts';
import { workerOptions } from './process/worker-options.ts';
import { watchWaitingSteps } from './steps/watch-waiting-steps.ts';
import { logSetupProblems } from './temporal/check-setup.ts';
import { createCoreMetrics } from './temporal/core-metrics.ts';
import { guardReplays } from './temporal/guard-replays.ts';
import { sharedPackageProblem } from './temporal/one-sdk.ts';
import { openTemporalClient } from './temporal/open-client.ts';
import { createTemporalLogger } from './temporal/temporal-logger.ts';
import { type WatchedTemporal, watchTemporal } from './temporal/watch-temporal.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';
import { runUntilKeyCheckFails } from './vault/boot-check/run-until-key-check-fails.ts';
import { type Announcer, announceConnections } from './webhooks/announce-connections.ts';

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

/** Starts delivering webhooks of connections, if a receiver is configured. */
export function startAnnouncing(
  { webhooks, taskQueue, publicUrl }: WorkerConfig,
  services: Services,
): Announcer | undefined {
  return webhooks && announceConnections({ ...services, taskQueue, publicUrl });
}
