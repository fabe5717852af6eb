import { randomBytes } from 'node:crypto';
import { formatKeys } from '../../src/config/encryption-keys.ts';
import { Secret, type WorkerConfig } from '../../src/config/load-config.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
import type { WebhookReceiver } from '../../src/webhooks/send-webhook.ts';
import type { TestDatabase } from './database.ts';
import { type TestTemporal, uniqueTaskQueue } from './temporal.ts';

export const PUBLIC_URL = 'https://latchkey.example';

export interface ConfigOptions {
  /** Who is told of steps and connections. Default: nobody. */
  webhooks?: WebhookReceiver;
  /** Default: one of its own. */
  encryptionKeys?: readonly RingKey[];
  /** Default: `PUBLIC_URL`, an address that nothing answers. */
  publicUrl?: string;
}

export function testConfig(
  database: TestDatabase,
  temporal: TestTemporal,
  { webhooks: receiver, encryptionKeys, publicUrl = PUBLIC_URL }: ConfigOptions,
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
    egressProxy: undefined,
    publicUrl,
    logLevel: 'silent',
    metrics: undefined,
    traces: undefined,
    maxConcurrentActivities: 100,
    maxCallsPerUser: undefined,
    maxCallsPerServer: undefined,
    maxCachedWorkflows: undefined,
    stackTraces: false,
    tuning: {
      maxConcurrentWorkflowTasks: undefined,
      activityPollers: undefined,
      workflowPollers: undefined,
      targets: undefined,
    },
    resultRetentionDays: 30,
    deployment: undefined,
    tombstoneRetentionDays: 30,
    waiterRetentionDays: 7,
    auditRetentionDays: 400,
    webhooks: receiver && { url: new Secret(receiver.url), secrets: new Secret(receiver.secrets) },
  };
}

/** What a Latchkey process of its own finds in its environment. */
export function environmentOf(config: WorkerConfig): Record<string, string> {
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
