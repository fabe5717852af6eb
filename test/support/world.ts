import type { WorkerConfig } from '../../src/config/load-config.ts';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../src/dev/embedded/authorization-server.ts';
import { type DemoMcpServer, startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { createLogger, type Logger } from '../../src/logging/logger.ts';
import { createGuardedFetch, type GuardedFetchOptions } from '../../src/net/guarded-fetch.ts';
import { createServices, type Services } from '../../src/process/services.ts';
import { serverRegistrationSchema } from '../../src/schemas/server.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import type { Metrics } from '../../src/telemetry/metrics/metrics.ts';
import type { Tracing } from '../../src/telemetry/traces/tracing.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { quietTemporal } from './quiet-temporal.ts';
import { connectTemporal, type TestTemporal } from './temporal.ts';
import { startTestWorker, type TestWorker, type TestWorkerOptions } from './test-worker.ts';
import { type ConfigOptions, environmentOf, testConfig } from './world-config.ts';
import { createWorldSteps, type WorldSteps } from './world-steps.ts';
import { createWorldUsers, type WorldUsers } from './world-users.ts';

export type { TestWorker } from './test-worker.ts';
export { PUBLIC_URL } from './world-config.ts';
export { INVOICE, REPEATED_IF_LOST } from './world-steps.ts';

/** Everything that a step touches, for real: Postgres, Temporal, an authorization server and an MCP server. */
export interface World {
  config: WorkerConfig;
  services: Services;
  database: TestDatabase;
  temporal: TestTemporal;
  authorizationServer: AuthorizationServer;
  mcpServer: DemoMcpServer;
  /** The id that the MCP server is registered under. */
  mcpServerId: string;
  users: WorldUsers;
  steps: WorldSteps;
  /** Registers a server under that id. `registration` is the body of `PUT /mcp-servers/:id`. */
  register(mcpServerId: string, registration: unknown): Promise<void>;
  startWorker(options?: TestWorkerOptions): Promise<TestWorker>;
  /** What a Latchkey process of its own finds in its environment. */
  environment(): Record<string, string>;
  stop(): Promise<void>;
}

export interface WorldOptions extends ConfigOptions {
  /** Default: one worker in this process. */
  withoutWorker?: boolean;
  namespace?: string;
  /** Default: as the run has it. */
  payloadKeys?: readonly RingKey[] | 'none';
  /** Default: connections to the run's dev server. They end with the world. */
  temporal?: TestTemporal;
  /** Default: a clone of the run's template. It is dropped with the world. */
  database?: TestDatabase;
  /** How names are resolved and which certificates are trusted. Default: the system's. */
  network?: Omit<GuardedFetchOptions, 'policy'>;
  /** Users' OAuth client has a secret, which is deposited with their grants. Default: it is a public client. */
  confidentialClient?: boolean;
  /** The scope that the MCP server asks for first. Default: its own. */
  initialScope?: string;
  /** Of the services and workers in this process. Default: silent. */
  logger?: Logger;
  /** Of the services and workers in this process. Default: nothing is recorded. */
  metrics?: Metrics;
  /** Of the services and workers in this process. Default: no traces. */
  tracing?: Tracing;
}

/** A test file takes its world from `testInWorld` (./fixtures.ts); a test that needs another creates one here. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  quietTemporal();
  const database = options.database ?? (await createTestDatabase());
  const temporal = options.temporal ?? (await connectTemporal(options.namespace, options.payloadKeys));
  const authorizationServer = await startAuthorizationServer();
  const mcpServer = await startMcpServer({
    auth: { type: 'oauth2', authorizationServer },
    ...(options.initialScope !== undefined && { initialScope: options.initialScope }),
  });
  const mcpServerId = 'ledger';
  const config = testConfig(database, temporal, options);
  const logger = options.logger ?? createLogger({ level: 'silent' });
  const network = createGuardedFetch({ policy: config.networkPolicy, ...options.network });
  const services = createServices(config, temporal.client, logger, {
    network,
    ...(options.metrics && { metrics: options.metrics }),
    tracing: options.tracing,
  });
  const registrations = createServerStore(services.pool, services.vault);
  const workers: TestWorker[] = [];

  const world: World = {
    config,
    services,
    database,
    temporal,
    authorizationServer,
    mcpServer,
    mcpServerId,
    users: await createWorldUsers(services, {
      authorizationServer,
      resource: mcpServer.url,
      mcpServerId,
      confidentialClient: options.confidentialClient ?? false,
    }),
    steps: createWorldSteps({ services, temporal, taskQueue: config.taskQueue, mcpServerId }),
    async register(id, registration) {
      await registrations.put(id, serverRegistrationSchema.parse(registration));
    },
    async startWorker(options) {
      const worker = await startTestWorker(config, temporal, services, options);
      workers.push(worker);
      return worker;
    },
    environment: () => environmentOf(config),
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await services.close();
      await Promise.all([mcpServer.stop(), authorizationServer.stop(), temporal.close()]);
      await database.drop();
    },
  };
  await world.register(mcpServerId, { url: mcpServer.url, auth: { type: 'oauth2' } });
  if (!options.withoutWorker) await world.startWorker();
  return world;
}
