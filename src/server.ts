import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { closeWithin } from './async/deadline.ts';
import { appendAuditEvent } from './audit/audit-log.ts';
import { readAudit, readAuditHorizon } from './audit/read-audit.ts';
import { createChangeHub } from './changes/change-hub.ts';
import type { ServerConfig } from './config/load-config.ts';
import { createConnectFlow } from './connect/connect-flow.ts';
import { listAllConnections } from './credentials/all-connections.ts';
import { type ConnectionSummary, listConnections } from './credentials/credential-store.ts';
import { depositCredential } from './credentials/deposit/deposit-credential.ts';
import { readKnownConnections } from './credentials/known-connections.ts';
import { disconnectCredential } from './credentials/retirement/disconnect-credential.ts';
import { forgetEndedWaiters } from './credentials/waiters/forget-ended-waiters.ts';
import { refuseUnmigrated } from './db/migrations.ts';
import { createHttpApp } from './http/app.ts';
import type { HttpDependencies, HttpOptions } from './http/dependencies.ts';
import { createAvailability } from './logging/availability.ts';
import { type Logger, logReady } from './logging/logger.ts';
import { createRequestContext } from './logging/request-context.ts';
import type { AddressSource, NetworkPolicy } from './net/network.ts';
import { parseOutboundUrl, refusedUrlMessage } from './net/outbound-url.ts';
import { createPayloadCipher } from './payloads/payload-cipher.ts';
import { listenFailure } from './process/cannot-run.ts';
import { egressProxyOf } from './process/egress-proxy.ts';
import { createKeyFetch, type KeyFetch } from './process/key-fetch.ts';
import { type Observed, observe } from './process/observe.ts';
import { createServices, type Services } from './process/services.ts';
import { describeNamespace, namespaceProblem } from './process/temporal-failure.ts';
import { createWebDependencies } from './process/web-dependencies.ts';
import { createServerStore } from './servers/server-store.ts';
import { cursorKeys } from './steps/list-cursor.ts';
import { noteStepChanges } from './steps/note-step-changes.ts';
import { createStepClient } from './steps/step-client.ts';
import { logSetupProblems } from './temporal/check-setup.ts';
import { openTemporalConnection } from './temporal/connection.ts';
import { openTemporalClient } from './temporal/open-client.ts';
import { watchTemporal } from './temporal/watch-temporal.ts';
import { listUserTools } from './tools/list-user-tools.ts';
import { checkKeys } from './vault/boot-check/check-keys.ts';
import { createKeyRing } from './vault/key-ring.ts';

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
/** Shorter than a health check waits. */
const NAMESPACE_TIMEOUT_MS = 1_900;

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
  const temporal = openTemporalConnection(
    config.temporal.connection.reveal(),
    watchTemporal(createAvailability({ logger, name: 'temporal' })),
  );
  const { connection } = temporal;
  await logNamespaceProblem(connection, config, logger);
  const services = createServices(config, openTemporalClient(connection, config, observed), logger, observed);
  let isDraining = false;
  const dependencies: HttpDependencies = {
    ...httpDependencies(config, services, connection, () => isDraining),
    web: createWebDependencies(config, services, development?.userId),
    requests,
  };
  const proxy = egressProxyOf(config, logger);
  const keyFetch = proxy && createKeyFetch(proxy);
  const app = await createHttpApp(dependencies, httpOptions(config, keyFetch));
  const url = await listen(app, config).catch(async (error: unknown) => {
    ending.abort();
    await closeWithin(CLOSE_TIMEOUT_MS, [() => app.close(), services.close, temporal.close, endObserving]);
    throw listenFailure(error, config);
  });
  void logSetupProblems({ ...services, taskQueue: config.taskQueue });
  logReady(logger, { role: 'server', url, version: config.version });
  const shutdown = async () => {
    isDraining = true;
    ending.abort();
    await endRequestsWithin(SHUTDOWN_GRACE_MS, app);
    dependencies.changes.close();
    await keyFetch?.close();
    await services.close();
    await temporal.close();
    await endObserving();
  };
  return {
    url,
    async drain() {
      isDraining = true;
      await delay(config.drainDelaySeconds * 1000);
      await shutdown();
    },
    shutdown,
    refused: afterRefusal(keyCheck, shutdown),
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

function httpDependencies(
  config: ServerConfig,
  services: Services,
  connection: Connection,
  isDraining: () => boolean,
): Omit<HttpDependencies, 'web' | 'requests'> {
  const { pool, client, workflows, keyRing } = services;
  const { networkPolicy: policy, taskQueue } = config;
  const listKeys = cursorKeys(keyRing.fingerprintKeys);
  const depositing = {
    ...services,
    refuseAddress: (url: string) => refusal(url, policy, 'user'),
    startResumption: workflows.startResumption,
    forgetEndedWaiters: (userId: string) => forgetEndedWaiters(services, userId),
  };
  return {
    servers: createServerStore(pool, services.vault, workflows.startServerResumption),
    refuseServerAddress: (url) => refusal(url, policy, 'admin'),
    deposit: (userId, deposit, by) => depositCredential(depositing, userId, deposit, { by }),
    listConnections: (userId) => listLiveConnections(services, userId),
    knownConnections: (userId) => readKnownConnections(pool, userId),
    async disconnect(key, by) {
      const version = await disconnectCredential(pool, key, by);
      if (version !== undefined) await workflows.startRevocation(key, version);
    },
    audit: (event) => appendAuditEvent(pool, event),
    readAudit: (page) => readAudit(pool, page),
    readAuditHorizon: () => readAuditHorizon(pool),
    listAllConnections: (page) => listAllConnections(pool, page),
    cursorKeys: listKeys,
    connect: createConnectFlow({
      ...services,
      publicUrl: config.publicUrl,
      returnOrigins: config.returnOrigins,
      version: config.version,
      deposit: (...deposit) => depositCredential(depositing, ...deposit),
    }),
    listTools: (key, counted) => listUserTools({ ...services, counted }, key),
    argumentsChecker: services.argumentsChecker,
    payloadCipher: config.payloadKeys && createPayloadCipher(createKeyRing(config.payloadKeys.reveal())),
    steps: noteStepChanges(
      createStepClient({
        client,
        taskQueue,
        cursorKeys: listKeys,
        audit: services,
        storedResults: services,
      }),
      services.changes.note,
    ),
    changes: createChangeHub(services),
    checks: {
      postgres: () => refuseUnmigrated(pool),
      temporal: () => describeNamespace(connection, config.temporal, NAMESPACE_TIMEOUT_MS),
    },
    isDraining,
    metrics: services.metrics,
    tracing: services.tracing,
    logger: services.logger,
  };
}

// A terminated step no longer waits, but could not remove its waiter. Asks Temporal nothing if no step waits.
async function listLiveConnections(services: Services, userId: string): Promise<ConnectionSummary[]> {
  await forgetEndedWaiters(services, userId);
  return listConnections(services.db, userId);
}

function refusal(url: string, policy: NetworkPolicy, addressFrom: AddressSource): string | undefined {
  const parsed = parseOutboundUrl(url, { policy, addressFrom });
  return parsed.kind === 'refused' ? refusedUrlMessage(parsed.code, addressFrom) : undefined;
}

function httpOptions(config: ServerConfig, keyFetch: KeyFetch | undefined): HttpOptions {
  const { rateLimits } = config;
  return {
    version: config.version,
    publicUrl: config.publicUrl,
    returnOrigins: config.returnOrigins,
    codecOrigins: config.codecOrigins,
    trustProxy: config.trustedProxies,
    requestsPerMinute: rateLimits.perUser,
    addressRequestsPerMinute: rateLimits.perAddress,
    serviceRequestsPerMinute: rateLimits.perService,
    signInsPerMinute: rateLimits.signIns,
    beginsPerMinute: rateLimits.connects,
    jwt: { ...verificationOf(config.jwt, keyFetch), userClaim: config.jwtUserClaim },
  };
}

function verificationOf(jwt: ServerConfig['jwt'], keyFetch: KeyFetch | undefined) {
  if (jwt.kind === 'secret') return { kind: jwt.kind, secret: jwt.secret.reveal() };
  return { ...jwt, fetchKeys: keyFetch?.fetch };
}

// A URL has brackets around an IPv6 address (RFC 3986 §3.2.2).
function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
