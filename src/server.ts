import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { closeWithin } from './async/deadline.ts';
import type { ServerConfig } from './config/load-config.ts';
import { createHttpApp } from './http/app.ts';
import type { HttpDependencies } from './http/dependencies.ts';
import { createAvailability } from './logging/availability.ts';
import { type Logger, logReady } from './logging/logger.ts';
import { createRequestContext, type RequestContext } from './logging/request-context.ts';
import { listenFailure } from './process/cannot-run.ts';
import { createHttpDependencies } from './process/http-dependencies.ts';
import { httpOptions } from './process/http-options.ts';
import { createKeyFetch } from './process/key-fetch.ts';
import { type Observed, observe } from './process/observe.ts';
import { createServices, type Services } from './process/services.ts';
import { NAMESPACE_TIMEOUT_MS, namespaceProblem } from './process/temporal-failure.ts';
import { createWebDependencies } from './process/web-dependencies.ts';
import { logSetupProblems } from './temporal/check-setup.ts';
import { openTemporalConnection } from './temporal/connection.ts';
import { openTemporalClient } from './temporal/open-client.ts';
import { watchTemporal } from './temporal/watch-temporal.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';

/** The HTTP API in this process, with everything that it uses. */
export interface RunningServer {
  /** The address that it listens on. */
  url: string;
  /**
   * Reports "draining" on `/health` while it still serves, so that load balancers stop sending requests before it
   * stops listening. Then shuts down.
   */
  drain(): Promise<void>;
  /** Stops listening, ends long polls, answers the requests under way, and closes. */
  shutdown(): Promise<void>;
  /**
   * Rejects with ConfigurationRefused or CannotRun after a late key check shut the server down: the database may have
   * been away at the start. Never resolves.
   */
  refused: Promise<never>;
}

/** The time that requests under way get to end. Shorter than the 30 s after which Kubernetes kills a process. */
const SHUTDOWN_GRACE_MS = 20_000;

/** The time limit for closing after a failed start, when no request is under way yet. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Serves the HTTP API and logs `ready`. Temporal may be down: deposits work without it.
 *
 * @param development what only `latchkey dev` has: a sign-in without a password, as this user or any other, and what it
 *   shares with its worker and closes itself
 * @throws ConfigurationRefused when an encryption key that is in use is missing
 * @throws CannotRun when the address can't be listened on, or the database lacks migrations
 */
export async function startServer(
  config: ServerConfig,
  processLogger: Logger,
  development?: { userId: string; observed?: Observed },
): Promise<RunningServer> {
  const requests = createRequestContext();
  const logger = requests.loggerOf(processLogger);
  const observed = development?.observed ?? (await observe(config, logger));
  const endObserving = development?.observed ? async () => {} : observed.close;
  const ending = new AbortController();
  const { rest: keyCheck } = await checkKeys(config, logger, ending.signal).catch(async (error: unknown) => {
    await endObserving();
    throw error;
  });
  let isDraining = false;
  const given = { config, logger, requests, observed, developmentUser: development?.userId };
  const { app, services, close } = await openServer({ ...given, isDraining: () => isDraining });
  const url = await listen(app, config).catch(async (error: unknown) => {
    ending.abort();
    await closeWithin(CLOSE_TIMEOUT_MS, [() => app.close(), close, endObserving]);
    throw listenFailure(error, config);
  });
  void logSetupProblems({ ...services, taskQueue: config.taskQueue });
  logReady(logger, { role: 'server', url, version: config.version });
  const shutdown = async () => {
    isDraining = true;
    ending.abort();
    await endRequestsWithin(SHUTDOWN_GRACE_MS, app);
    await close();
    await endObserving();
  };
  const drain = async () => {
    isDraining = true;
    await delay(config.drainDelaySeconds * 1000);
    await shutdown();
  };
  return { url, drain, shutdown, refused: afterRefusal(keyCheck, shutdown) };
}

interface OpenServerOptions {
  config: ServerConfig;
  logger: Logger;
  requests: RequestContext;
  observed: Observed;
  developmentUser: string | undefined;
  isDraining: () => boolean;
}

/** The HTTP API before it listens. `close` closes what it uses, not the API itself. */
interface OpenServer {
  app: FastifyInstance;
  services: Services;
  close(): Promise<void>;
}

async function openServer(options: OpenServerOptions): Promise<OpenServer> {
  const { config, logger, requests, observed, developmentUser, isDraining } = options;
  const temporal = openTemporalConnection(
    config.temporal.connection.reveal(),
    watchTemporal(createAvailability({ logger, name: 'temporal' })),
  );
  const { connection } = temporal;
  await logNamespaceProblem(connection, config, logger);
  const services = createServices(config, openTemporalClient(connection, config, observed), logger, observed);
  const dependencies: HttpDependencies = {
    ...createHttpDependencies(config, services, connection, isDraining),
    web: createWebDependencies(config, services, developmentUser),
    requests,
  };
  const keyFetch = services.egressProxy && createKeyFetch(services.egressProxy);
  return {
    app: await createHttpApp(dependencies, httpOptions(config, keyFetch)),
    services,
    async close() {
      dependencies.changes.close();
      await keyFetch?.close();
      await services.close();
      await temporal.close();
    },
  };
}

// Deposits work without Temporal, so the server runs and only logs what its operator has to correct.
async function logNamespaceProblem(
  connection: Connection,
  { temporal }: ServerConfig,
  logger: Logger,
): Promise<void> {
  const problem = await namespaceProblem(connection, temporal, NAMESPACE_TIMEOUT_MS);
  if (problem !== undefined) logger.error(problem);
}

async function listen(app: FastifyInstance, { host, port }: ServerConfig): Promise<string> {
  await app.listen({ host, port });
  // The cast leaves out the form of a Unix socket's address.
  return urlOf(app.server.address() as AddressInfo);
}

function afterRefusal(keyCheck: Promise<void>, shutdown: () => Promise<void>): Promise<never> {
  const refused = keyCheck.then(
    () => new Promise<never>(() => {}),
    async (refusal: unknown) => {
      await shutdown();
      throw refusal;
    },
  );
  // A caller that does not wait for the refusal causes no unhandled rejection.
  refused.catch(() => {});
  return refused;
}

// A request that hangs must not keep the process alive: its socket is closed after the grace time.
async function endRequestsWithin(graceMs: number, app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
  await app.close();
  clearTimeout(timer);
}

// A URL has brackets around an IPv6 address (RFC 3986 §3.2.2).
function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
