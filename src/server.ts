import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { createAvailability } from './availability.ts';
import { listenFailure } from './cannot-run.ts';
import { checkKeys } from './check-keys.ts';
import { closeWithin } from './close-within.ts';
import type { ServerConfig } from './config.ts';
import { type ConnectionSummary, listConnections } from './credentials/credential-store.ts';
import { depositCredential } from './credentials/deposit-credential.ts';
import { disconnectCredential } from './credentials/disconnect-credential.ts';
import { refuseUnmigrated } from './db/migrations.ts';
import { forgetEndedWaiters } from './forget-ended-waiters.ts';
import { createHttpApp } from './http/app.ts';
import type { HttpDependencies } from './http/dependencies.ts';
import { type Logger, logReady } from './logger.ts';
import type { AddressSource, NetworkPolicy } from './net/network.ts';
import { parseOutboundUrl } from './net/outbound-url.ts';
import { createDataConverter } from './payloads/data-converter.ts';
import { createPayloadCipher } from './payloads/payload-cipher.ts';
import { withWholeResults } from './results/with-whole-results.ts';
import { createServerStore } from './servers/server-store.ts';
import { createServices, type Services } from './services.ts';
import { createStepClient } from './steps/create-step-client.ts';
import { cursorKeys } from './steps/list-cursor.ts';
import { describeOwn } from './steps/read-step.ts';
import { withAuditTrail } from './steps/with-audit-trail.ts';
import { openTemporalConnection } from './temporal-connection.ts';
import { describeNamespace, namespaceProblem } from './temporal-failure.ts';
import { listUserTools } from './tools/list-user-tools.ts';
import { createKeyRing } from './vault/key-ring.ts';
import { watchTemporal } from './watch-temporal.ts';

/** An API process. */
export interface RunningServer {
  /** Where it listens. */
  url: string;
  /**
   * Says "draining" on `/health` while it still serves, so that load balancers look elsewhere before it stops
   * listening; then shuts down.
   */
  drain(): Promise<void>;
  /** Stops listening, ends long polls, answers what is under way, and closes. */
  shutdown(): Promise<void>;
  /**
   * Rejects with ConfigurationRefused or CannotRun after it had to shut down because of its keys or its database, which
   * could not be asked before. Never resolves.
   */
  refused: Promise<never>;
}

/** For the requests under way, below the 30 s that Kubernetes gives a process before it kills it. */
const SHUTDOWN_GRACE_MS = 20_000;

/** Of a start that failed: nothing is under way yet. */
const CLOSE_WITHIN_MS = 5_000;
/** Below what a health check waits. */
const NAMESPACE_WITHIN_MS = 1_900;

/**
 * Serves the HTTP API and logs `ready`. Temporal may be down: deposits work without it.
 *
 * @throws ConfigurationRefused without an encryption key that is in use
 * @throws CannotRun when the address can't be listened on, or the database lacks migrations
 */
export async function startServer(config: ServerConfig, logger: Logger): Promise<RunningServer> {
  const ending = new AbortController();
  const { rest: keysFit } = await checkKeys(config, logger, ending.signal);
  // Lazy: connects with the first call, and again after an outage.
  const temporal = openTemporalConnection(
    config.temporal.connection.reveal(),
    watchTemporal(createAvailability({ logger, name: 'temporal' })),
  );
  const { connection } = temporal;
  // Deposits work without Temporal, so the server runs: what its operator has to set right is said in the log.
  const problem = await namespaceProblem(connection, config.temporal, NAMESPACE_WITHIN_MS);
  if (problem !== undefined) logger.error(problem);
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: createDataConverter(config.payloadKeys?.reveal()),
  });
  const services = createServices(config, client, logger);
  let draining = false;
  const app = await createHttpApp(
    httpDependencies(config, services, connection, () => draining),
    {
      version: config.version,
      jwt: jwtOptions(config),
      publicUrl: config.publicUrl,
      codecOrigins: config.codecOrigins,
    },
  );
  await app.listen({ host: config.host, port: config.port }).catch(async (error: unknown) => {
    ending.abort();
    await closeWithin(CLOSE_WITHIN_MS, [() => app.close(), services.close, temporal.close]);
    throw listenFailure(error, config);
  });
  const url = urlOf(app.server.address() as AddressInfo);
  logReady(logger, { role: 'server', url, version: config.version });
  const shutdown = async () => {
    draining = true;
    ending.abort();
    await endRequestsWithin(SHUTDOWN_GRACE_MS, app);
    await services.close();
    await temporal.close();
  };
  return {
    url,
    async drain() {
      draining = true;
      await delay(config.drainDelaySeconds * 1000);
      await shutdown();
    },
    shutdown,
    refused: afterRefusal(keysFit, shutdown),
  };
}

function afterRefusal(keysFit: Promise<void>, shutdown: () => Promise<void>): Promise<never> {
  const refused = keysFit.then(
    () => new Promise<never>(() => {}),
    async (refusal: unknown) => {
      await shutdown();
      throw refusal;
    },
  );
  // Nobody has to listen.
  refused.catch(() => {});
  return refused;
}

// A request that hangs must not keep the process: its connection is cut in the end.
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
): HttpDependencies {
  const { pool, client, workflows, keyRing } = services;
  const { networkPolicy: policy, taskQueue } = config;
  const stepClient = { client, taskQueue, cursorKeys: cursorKeys(keyRing.fingerprintKeys) };
  const auditing = {
    ...services,
    workflowIdOf: async (userId: string, stepId: string) =>
      (await describeOwn({ client }, userId, stepId))?.workflowId,
  };
  const depositing = {
    ...services,
    refuseAddress: (url: string) => refusal(url, policy, 'user'),
    startResumption: workflows.startResumption,
    forgetEndedWaiters: (userId: string) => forgetEndedWaiters(services, userId),
  };
  return {
    servers: createServerStore(pool, services.vault),
    refuseServerAddress: (url) => refusal(url, policy, 'admin'),
    deposit: (userId, deposit) => depositCredential(depositing, userId, deposit),
    listConnections: (userId) => listLiveConnections(services, userId),
    async disconnect(key) {
      const version = await disconnectCredential(pool, key);
      if (version !== undefined) await workflows.startRevocation(key, version);
    },
    listTools: (key, reading) => listUserTools({ ...services, reading }, key),
    payloadCipher: config.payloadKeys && createPayloadCipher(createKeyRing(config.payloadKeys.reveal())),
    steps: withWholeResults(withAuditTrail(createStepClient(stepClient), auditing), services),
    checks: {
      postgres: () => refuseUnmigrated(pool),
      temporal: () => describeNamespace(connection, config.temporal, NAMESPACE_WITHIN_MS),
    },
    isDraining,
    logger: services.logger,
  };
}

// A step that was terminated waits no more, and could not say so.
async function listLiveConnections(services: Services, userId: string): Promise<ConnectionSummary[]> {
  const connections = await listConnections(services.db, userId);
  if (!connections.some(({ waitingSteps }) => waitingSteps > 0)) return connections;
  await forgetEndedWaiters(services, userId);
  return listConnections(services.db, userId);
}

function refusal(url: string, policy: NetworkPolicy, addressFrom: AddressSource): string | undefined {
  const parsed = parseOutboundUrl(url, { policy, addressFrom });
  return parsed.kind === 'refused' ? REFUSALS[parsed.code] : undefined;
}

const REFUSALS = {
  'invalid-url': 'must be a plain http(s) URL without a fragment',
  'scheme-refused': 'must be https',
  'userinfo-refused': 'must not hold a user name or password',
  'address-refused': 'must not be a private, local or reserved address',
};

function jwtOptions({ jwt, jwtUserClaim: userClaim }: ServerConfig) {
  return jwt.kind === 'secret'
    ? { kind: jwt.kind, secret: jwt.secret.reveal(), userClaim }
    : { ...jwt, userClaim };
}

// IPv6 addresses stand in brackets in a URL (RFC 3986 §3.2.2).
function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
