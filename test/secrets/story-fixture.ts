import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { formatKeys } from '../../src/config/encryption-keys.ts';
import { asAdmin } from '../support/database-template.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';
import { startOtlpReceiver } from '../telemetry/traces/otlp-receiver.ts';
import { newKey } from '../vault/rotation/two-keys.ts';
import { createProcesses, type Processes } from './processes.ts';
import { createSecretRegistry, type SecretRegistry } from './secret-registry.ts';
import { databaseSink } from './sinks/database-sink.ts';
import { createRecordedApi, type RecordedApi } from './sinks/http-sink.ts';
import { metricsSink } from './sinks/metrics-sink.ts';
import { argvSink, logSink } from './sinks/process-sinks.ts';
import type { Sink } from './sinks/sink.ts';
import { temporalSink } from './sinks/temporal-sink.ts';
import { traceSink } from './sinks/trace-sink.ts';
import { type RecordedWebhooks, startRecordedWebhooks } from './sinks/webhook-sink.ts';

/** Latchkey as it is run, in processes of its own that say all they can, and everything that it leaves behind. */
export interface StoryFixture {
  world: World;
  registry: SecretRegistry;
  processes: Processes;
  api: RecordedApi;
  webhooks: RecordedWebhooks;
  sinks: readonly Sink[];
  /** What every process is started with. */
  environment: Readonly<Record<string, string>>;
  /** The same, with the other one of the two keys as the one that encrypts. */
  promotedKeys: Readonly<Record<string, string>>;
  /** Ends it by SIGTERM. @throws where it did not end well */
  stopRole(role: StoryRole): Promise<void>;
  /** Starts it again, a server at its old address. */
  startRole(role: StoryRole): Promise<void>;
  /** Keeps what Temporal says now of an execution that is at work. */
  describeNow(workflowId: string): Promise<void>;
  /** Keeps what stands in the database now. */
  keepDatabaseNow(): Promise<void>;
  /** Registers what the authorization server has issued and what is stored encrypted, as of now. */
  registerIssued(): Promise<void>;
  stop(): Promise<void>;
}

export type StoryRole = 'worker' | 'server';

export async function createStoryFixture(): Promise<StoryFixture> {
  const keys = [newKey('2026-01'), newKey('2026-07')];
  const registry = createSecretRegistry();
  const processes = createProcesses();
  const collector = await startOtlpReceiver();
  const webhooks = await startRecordedWebhooks(registry.register('path of the webhook', newText()));
  const world = await createWorld({
    withoutWorker: true,
    confidentialClient: true,
    encryptionKeys: keys,
    namespace: await createTestNamespace(),
  });
  const role = await createRole(registry);
  const webhookKey = registry.register('webhook secret', randomBytes(32)).toString('base64');
  const jwtSecret = registry.register('JWT_SECRET', newText());
  registerKeys(world, registry);
  const environment = {
    ...world.environment(),
    DATABASE_URL: role.urlOf(world.database.url),
    WEBHOOK_URL: webhooks.url,
    WEBHOOK_SECRETS: `whsec_${webhookKey}`,
    JWT_SECRET: jwtSecret,
    PORT: '0',
    METRICS_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '500',
    DRAIN_DELAY_SECONDS: '0',
    LOG_LEVEL: 'trace',
  };
  await processes.latchkey(environment, 'migrate').ended;
  const running = {
    worker: processes.latchkey(environment, 'worker'),
    server: processes.latchkey(environment, 'server'),
  };
  const [{ url }] = await Promise.all([running.server.ready(), running.worker.ready()]);
  const temporal = temporalSink(world.temporal);
  const database = databaseSink(world.services.pool);
  const metrics = metricsSink(processes);
  const api = createRecordedApi(String(url), jwtSecret, registry);
  return {
    world,
    registry,
    processes,
    api,
    webhooks,
    environment,
    promotedKeys: { ...environment, ENCRYPTION_KEYS: formatKeys(keys.toReversed()) },
    async stopRole(role) {
      await metrics.keepNow();
      running[role].kill('SIGTERM');
      const code = await running[role].ended;
      if (code !== 0) throw new Error(`the ${role} ended with ${code}`);
    },
    async startRole(role) {
      running[role] = processes.latchkey({ ...environment, PORT: new URL(String(url)).port }, role);
      await running[role].ready();
    },
    describeNow: temporal.describeNow,
    keepDatabaseNow: database.keepNow,
    sinks: [
      temporal,
      database,
      logSink(processes),
      argvSink(processes),
      metrics,
      traceSink(collector),
      api.sink,
      webhooks.sink(world.services.guardedFetch, [`whsec_${webhookKey}`]),
    ],
    registerIssued: () => registerIssued(world, registry),
    async stop() {
      await processes.endAll();
      await webhooks.close();
      await collector.close();
      await world.stop();
      await role.drop();
    },
  };
}

/** `+`, `/` and `=` make each form of it look different. */
export function newText(): string {
  return `${randomBytes(40).toString('base64')}+/==`;
}

function registerKeys({ config, authorizationServer }: World, registry: SecretRegistry): void {
  for (const { bytes } of config.encryptionKeys.reveal()) registry.register('ENCRYPTION_KEYS', bytes);
  for (const { bytes } of config.payloadKeys?.reveal() ?? []) registry.register('PAYLOAD_KEYS', bytes);
  registry.register("resource server's secret", authorizationServer.introspectionClient.clientSecret);
}

async function registerIssued(world: World, registry: SecretRegistry): Promise<void> {
  for (const { kind, value } of world.authorizationServer.stats.secrets()) registry.register(kind, value);
  const { rows } = await world.services.db.query<{ jwe: string }>(
    `SELECT unnest(ARRAY[grant_jwe, access_token_jwe, revocation_jwe]) AS jwe FROM mcp_credential
      UNION SELECT secret_jwe FROM mcp_server UNION SELECT key_jwe FROM mcp_fingerprint_key
      UNION SELECT client_jwe FROM mcp_client_registration UNION SELECT request_jwe FROM mcp_authorization
      UNION SELECT pending_jwe FROM mcp_connect_session`,
  );
  for (const { jwe } of rows) if (jwe !== null) registry.register('ciphertext', jwe, /^database /);
}

/** A user of Postgres with a password of which every character has to be encoded in a URL. */
async function createRole(registry: SecretRegistry) {
  const adminUrl = inject('adminDatabaseUrl');
  const name = `latchkey_${randomBytes(6).toString('hex')}`;
  const password = registry.register('password of the database', newText());
  await asAdmin(adminUrl, (admin) =>
    admin.query(`CREATE ROLE ${name} SUPERUSER LOGIN PASSWORD '${password}'`),
  );
  return {
    urlOf(databaseUrl: string) {
      const url = new URL(databaseUrl);
      url.username = name;
      url.password = encodeURIComponent(password);
      return url.href;
    },
    drop: () => asAdmin(adminUrl, (admin) => admin.query(`DROP ROLE ${name}`)),
  };
}
