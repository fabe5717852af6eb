import { AsyncLocalStorage } from 'node:async_hooks';
import type { Client } from '@temporalio/client';
import { type ChangeNotes, createChangeNotes } from '../changes/change-notes.ts';
import type { WorkerConfig } from '../config/load-config.ts';
import { systemClock } from '../credentials/clock.ts';
import { type CredentialWorkflows, createCredentialWorkflows } from '../credentials/credential-workflows.ts';
import { createRenewal, type Renewal } from '../credentials/refresh/renewal.ts';
import { openPool } from '../db/open-pool.ts';
import type { Pool } from '../db/pool.ts';
import { type Availability, createAvailability } from '../logging/availability.ts';
import type { Logger } from '../logging/logger.ts';
import { type ArgumentsChecker, createArgumentsChecker } from '../mcp/check-arguments-in-thread.ts';
import { probeAuthorization } from '../mcp/http/probe-authorization.ts';
import { measureCalls } from '../mcp/measure-calls.ts';
import type { McpPort } from '../mcp/port.ts';
import { createMcpSdkAdapter } from '../mcp/sdk/sdk-adapter.ts';
import { type ServerAvailability, watchAvailability } from '../mcp/server-availability.ts';
import { sendContext, traceCalls } from '../mcp/trace-calls.ts';
import type { EgressProxy } from '../net/egress-proxy.ts';
import { type ClosableGuardedFetch, createGuardedFetch } from '../net/guarded-fetch.ts';
import type { GuardedFetch } from '../net/network.ts';
import { parseOutboundUrl } from '../net/outbound-url.ts';
import { type AuthorizationServerLookup, createAuthorizationServerLookup } from '../oauth/discovery.ts';
import { createMetadataStore } from '../servers/metadata-store.ts';
import { type Metrics, NO_METRICS } from '../telemetry/metrics/metrics.ts';
import type { Tracing } from '../telemetry/traces/tracing.ts';
import { createKeyRing, type KeyRing } from '../vault/key-ring.ts';
import { createVault, type Vault } from '../vault/vault.ts';
import { egressProxyOf } from './egress-proxy.ts';

export type ServicesConfig = Pick<
  WorkerConfig,
  | 'databaseUrl'
  | 'databasePoolSize'
  | 'encryptionKeys'
  | 'networkPolicy'
  | 'egressProxy'
  | 'taskQueue'
  | 'version'
>;

/** What workers and API processes share: opened once in each process, and passed on as dependencies. */
export interface Services {
  pool: Pool;
  db: Pool;
  keyRing: KeyRing;
  vault: Vault;
  guardedFetch: GuardedFetch;
  /** Undefined: requests go to their servers directly. */
  egressProxy: EgressProxy | undefined;
  authorizationServers: AuthorizationServerLookup;
  mcp: McpPort;
  argumentsChecker: ArgumentsChecker;
  renewal: Renewal;
  workflows: CredentialWorkflows;
  /** For the pages that users have open. */
  changes: ChangeNotes;
  client: Client;
  logger: Logger;
  metrics: Metrics;
  /** Undefined: traces are off. */
  tracing: Tracing | undefined;
  /** Waits until refreshes under way are written back, then closes everything. */
  close(): Promise<void>;
}

export interface ServicesOptions {
  network?: ClosableGuardedFetch;
  /** Default: nothing is recorded. */
  metrics?: Metrics;
  /** Default: no traces. */
  tracing?: Tracing | undefined;
}

export function createServices(
  config: ServicesConfig,
  client: Client,
  logger: Logger,
  { network: ownNetwork, metrics = NO_METRICS, tracing }: ServicesOptions = {},
): Services {
  const egressProxy = egressProxyOf(config, logger);
  const network = ownNetwork ?? createGuardedFetch({ policy: config.networkPolicy, egressProxy });
  const pool = openPoolOf(config, logger);
  const keyRing = createKeyRing(config.encryptionKeys.reveal());
  const workflows = createCredentialWorkflows({ client, taskQueue: config.taskQueue, logger });
  const basic = { pool, db: pool, keyRing, vault: createVault(keyRing), logger, metrics, tracing };
  const { fetch: guardedFetch } = network;
  const authorizationServers = createAuthorizationServers(config, pool, guardedFetch);
  const mcp = createMcp(config, basic, guardedFetch);
  const changes = createChangeNotes(basic);
  const argumentsChecker = createArgumentsChecker();
  const fetching = { ...basic, guardedFetch, authorizationServers };
  const renewal = createRenewal({ ...fetching, clock: systemClock, onRecovered: workflows.startResumption });
  return {
    ...fetching,
    ...{ egressProxy, mcp, argumentsChecker, renewal, workflows, changes, client },
    async close() {
      await renewal.drain();
      await argumentsChecker.close();
      await mcp.close();
      await network.close();
      await changes.close();
      await pool.end();
    },
  };
}

function openPoolOf({ databaseUrl, databasePoolSize }: ServicesConfig, logger: Logger): Pool {
  return openPool({
    databaseUrl: databaseUrl.reveal(),
    size: databasePoolSize,
    reportTo: createAvailability({ logger, name: 'database' }),
  });
}

function createAuthorizationServers(
  { networkPolicy: policy, version: clientVersion }: ServicesConfig,
  pool: Pool,
  guardedFetch: GuardedFetch,
): AuthorizationServerLookup {
  return createAuthorizationServerLookup(
    guardedFetch,
    (url, addressFrom) => parseOutboundUrl(url, { policy, addressFrom }).kind === 'refused',
    createMetadataStore(pool),
    (target) => probeAuthorization(guardedFetch, target, { clientVersion }),
  );
}

function createMcp(
  { version: clientVersion }: ServicesConfig,
  { logger, metrics, tracing }: Pick<Services, 'logger' | 'metrics' | 'tracing'>,
  guardedFetch: GuardedFetch,
): McpPort {
  const adapter = createMcpSdkAdapter({
    guardedFetch: sendContext(guardedFetch, tracing),
    logger,
    clientVersion,
    connected: metrics.connected,
  });
  const watched = watchAvailability(adapter, serverAvailability(logger));
  return measureCalls(traceCalls(watched, tracing), metrics);
}

/** Logs one line for an outage that many calls meet, for each server as this process sees it. */
function serverAvailability(logger: Logger): ServerAvailability {
  const servers = new Map<string, Availability>();
  // The first call to a server makes its availability, which outlives the call.
  const outsideOfRequests = AsyncLocalStorage.snapshot();
  const create = (mcpServerId: string) =>
    outsideOfRequests(() => createAvailability({ logger, name: 'server', fields: { mcpServerId } }));
  return {
    unavailable(mcpServerId, cause) {
      const server = servers.get(mcpServerId) ?? create(mcpServerId);
      servers.set(mcpServerId, server);
      server.unavailable(cause);
    },
    available: (mcpServerId) => servers.get(mcpServerId)?.available(),
  };
}
