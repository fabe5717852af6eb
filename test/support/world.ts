import { randomBytes, randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { formatKeys } from '../../src/config/encryption-keys.ts';
import { Secret, type WorkerConfig } from '../../src/config/load-config.ts';
import type { McpStepInput, McpStepResult, StepView } from '../../src/contracts/step.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../src/dev/embedded/authorization-server.ts';
import { authorizeHeadlessly } from '../../src/dev/embedded/authorize-headlessly.ts';
import { type DemoMcpServer, startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { createLogger, type Logger } from '../../src/logging/logger.ts';
import { createGuardedFetch, type GuardedFetchOptions } from '../../src/net/guarded-fetch.ts';
import { createServices, type Services } from '../../src/process/services.ts';
import { type Deposit, depositSchema } from '../../src/schemas/deposit.ts';
import { serverRegistrationSchema } from '../../src/schemas/server.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import { createStepClient } from '../../src/steps/create-step-client.ts';
import type { StepClient } from '../../src/steps/step-client.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
import type { WebhookReceiver } from '../../src/webhooks/send-webhook.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { quietTemporal } from './quiet-temporal.ts';
import { connectTemporal, type TestTemporal, uniqueTaskQueue } from './temporal.ts';
import { startTestWorker, type TestWorker, type TestWorkerOptions } from './test-worker.ts';

export type { TestWorker } from './test-worker.ts';

export const PUBLIC_URL = 'https://latchkey.example';
const UNTIL_MS = 30_000;
const REDIRECT_URI = 'https://app.example/callback';

/** Everything that a step touches, for real: Postgres, Temporal, an authorization server and an MCP server. */
export interface World {
  config: WorkerConfig;
  database: TestDatabase;
  temporal: TestTemporal;
  services: Services;
  steps: StepClient;
  authorizationServer: AuthorizationServer;
  mcpServer: DemoMcpServer;
  /** The id that the MCP server is registered under. */
  mcpServerId: string;
  /** A user that no other test knows. */
  newUser(): string;
  /** A genuine authorization-code exchange; what it gives is not deposited yet. */
  consent(userId: string, to?: ConsentTo): Promise<Deposit>;
  deposit(userId: string, deposit: Deposit): Promise<{ changed: boolean; version: number; resuming: number }>;
  /** `consent` and `deposit`. */
  connect(userId: string, to?: ConsentTo): Promise<{ changed: boolean; version: number; resuming: number }>;
  disconnect(userId: string): Promise<void>;
  /** Registers a server under that id; `registration` is the body of `PUT /mcp-servers/:id`. */
  register(mcpServerId: string, registration: unknown): Promise<void>;
  /** The ids of the user's steps that are registered as waiting. */
  waiting(userId: string): Promise<string[]>;
  start(userId: string, step?: Partial<McpStepInput>): Promise<StepView>;
  /** The step as soon as it has one of these statuses. */
  until(userId: string, stepId: string, ...statuses: StepView['status'][]): Promise<StepView>;
  result(step: StepView): Promise<McpStepResult>;
  startWorker(options?: TestWorkerOptions): Promise<TestWorker>;
  /** What a Latchkey process of its own finds in its environment. */
  environment(): Record<string, string>;
  stop(): Promise<void>;
}

/** Default: the MCP server, and whatever scope its authorization server grants by itself. */
export interface ConsentTo {
  mcpServerId?: string;
  /** Space-separated; the deposit then says so. */
  scope?: string;
}

export interface WorldOptions {
  /** Default: one worker in this process. */
  withoutWorker?: boolean;
  namespace?: string;
  /** Default: as the run has it. */
  payloadKeys?: readonly RingKey[] | 'none';
  /** Default: connections to the run's dev server. They end with the world. */
  temporal?: TestTemporal;
  /** Who is told of steps and connections. Default: nobody. */
  webhooks?: WebhookReceiver;
  /** Default: one of its own. */
  encryptionKeys?: readonly RingKey[];
  /** Default: a clone of the run's template. It is dropped with the world. */
  database?: TestDatabase;
  /** How names are resolved and who vouches for certificates. Default: as the system says. */
  network?: Omit<GuardedFetchOptions, 'policy'>;
  /** Users' OAuth client has a secret, which is deposited with their grants. Default: it is a public client. */
  confidentialClient?: boolean;
  /** Of the services and workers in this process. Default: silent. */
  logger?: Logger;
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  quietTemporal();
  const database = options.database ?? (await createTestDatabase());
  const temporal = options.temporal ?? (await connectTemporal(options.namespace, options.payloadKeys));
  const authorizationServer = await startAuthorizationServer();
  const mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
  const { clientId, clientSecret } = await authorizationServer.registerClient({
    redirectUris: [REDIRECT_URI],
    tokenEndpointAuthMethod: options.confidentialClient ? 'client_secret_basic' : 'none',
  });
  const client = { clientId, ...(clientSecret !== undefined && { clientSecret }) };
  const config = testConfig(database, temporal, options);
  const logger = options.logger ?? createLogger({ level: 'silent' });
  const network = createGuardedFetch({ policy: config.networkPolicy, ...options.network });
  const services = createServices(config, temporal.client, logger, network);
  const steps = createStepClient({
    client: temporal.client,
    taskQueue: config.taskQueue,
  });
  const servers = createServerStore(services.pool, services.vault);
  const mcpServerId = 'ledger';
  const workers: TestWorker[] = [];

  const world: World = {
    config,
    database,
    temporal,
    services,
    steps,
    authorizationServer,
    mcpServer,
    mcpServerId,
    newUser: () => `user-${randomBytes(4).toString('hex')}`,
    async consent(accountId, { scope, ...to } = {}) {
      const tokens = await authorizeHeadlessly({
        issuer: authorizationServer.issuer,
        ...client,
        redirectUri: REDIRECT_URI,
        resource: mcpServer.url,
        accountId,
        ...(scope !== undefined && { scope }),
      });
      return depositSchema.parse({
        mcpServerId: to.mcpServerId ?? mcpServerId,
        ...(scope !== undefined && { scopes: scope }),
        refreshToken: tokens.refreshToken,
        accessToken: tokens.accessToken,
        expiresIn: tokens.expiresIn,
        tokenEndpoint: tokens.tokenEndpoint,
        ...client,
        resource: mcpServer.url,
      });
    },
    async deposit(userId, deposit) {
      const outcome = await depositCredential(
        {
          pool: services.pool,
          vault: services.vault,
          keyRing: services.keyRing,
          authorizationServers: services.authorizationServers,
          refuseAddress: () => undefined,
          startResumption: services.workflows.startResumption,
        },
        userId,
        deposit,
      );
      if (outcome.kind !== 'stored') throw new Error(`the deposit was not stored: ${outcome.kind}`);
      return outcome;
    },
    connect: async (userId, to) => world.deposit(userId, await world.consent(userId, to)),
    async disconnect(userId) {
      await disconnectCredential(services.db, { userId, mcpServerId });
    },
    async register(id, registration) {
      await servers.put(id, serverRegistrationSchema.parse(registration));
    },
    async waiting(userId) {
      const { rows } = await services.db.query<{ step_id: string }>(
        'SELECT step_id FROM mcp_step_waiter WHERE user_id = $1 ORDER BY registered_at',
        [userId],
      );
      return rows.map((row) => row.step_id);
    },
    async start(userId, step = {}) {
      const input = {
        mcpServerId,
        tool: 'create_invoice',
        arguments: INVOICE,
        stepId: randomUUID(),
        ...step,
      };
      const outcome = await steps.start({ ...input, userId });
      if (outcome.kind === 'conflict') throw new Error('the step id is taken by another request');
      return outcome.step;
    },
    until: (userId, stepId, ...statuses) => untilStatus(steps, userId, stepId, statuses),
    // The cast trusts the contract of workflow `mcpStep`.
    result: (step) => temporal.client.workflow.getHandle(step.workflowId).result() as Promise<McpStepResult>,
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

export const INVOICE = { customer: 'ACME', amount: 42 };

function testConfig(
  database: TestDatabase,
  temporal: TestTemporal,
  { webhooks: receiver, encryptionKeys }: WorldOptions,
): WorkerConfig {
  return {
    version: '0.0.0-test',
    databaseUrl: new Secret(database.url),
    databasePoolSize: 10,
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      connection: new Secret({ address: temporal.address }),
    },
    taskQueue: uniqueTaskQueue('mcp-steps'),
    encryptionKeys: new Secret(encryptionKeys ?? [{ id: 'test', bytes: randomBytes(32) }]),
    payloadKeys: temporal.payloadKeys && new Secret(temporal.payloadKeys),
    networkPolicy: 'development',
    publicUrl: PUBLIC_URL,
    logLevel: 'silent',
    maxConcurrentActivities: 100,
    maxCallsPerUser: undefined,
    maxCallsPerServer: undefined,
    maxCachedWorkflows: undefined,
    resultRetentionDays: 30,
    deployment: undefined,
    tombstoneRetentionDays: 30,
    waiterRetentionDays: 7,
    auditRetentionDays: 400,
    webhooks: receiver && { url: new Secret(receiver.url), secrets: new Secret(receiver.secrets) },
  };
}

function environmentOf(config: WorkerConfig): Record<string, string> {
  return {
    DATABASE_URL: config.databaseUrl.reveal(),
    TEMPORAL_ADDRESS: config.temporal.address,
    TEMPORAL_NAMESPACE: config.temporal.namespace,
    TEMPORAL_TASK_QUEUE: config.taskQueue,
    ENCRYPTION_KEYS: formatKeys(config.encryptionKeys.reveal()),
    ...(config.payloadKeys && { PAYLOAD_KEYS: formatKeys(config.payloadKeys.reveal()) }),
    NETWORK_POLICY: config.networkPolicy,
    PUBLIC_URL: config.publicUrl,
    LOG_LEVEL: config.logLevel,
  };
}

async function untilStatus(
  steps: StepClient,
  userId: string,
  stepId: string,
  statuses: StepView['status'][],
): Promise<StepView> {
  return vi.waitFor(
    async () => {
      const step = await steps.get(userId, stepId);
      if (step !== undefined && statuses.includes(step.status)) return step;
      throw new Error(`the step is ${step?.status}: ${JSON.stringify(step?.timeline)}`);
    },
    { timeout: UNTIL_MS, interval: 50 },
  );
}
