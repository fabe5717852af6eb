import type { Connection } from '@temporalio/client';
import { appendAuditEvent } from '../audit/audit-log.ts';
import { readAudit, readAuditHorizon } from '../audit/read-audit.ts';
import { createChangeHub } from '../changes/change-hub.ts';
import type { ServerConfig } from '../config/load-config.ts';
import { createConnectFlow } from '../connect/connect-flow.ts';
import { listAllConnections } from '../credentials/all-connections.ts';
import { type ConnectionSummary, listConnections } from '../credentials/credential-store.ts';
import { depositCredential } from '../credentials/deposit/deposit-credential.ts';
import { readKnownConnections } from '../credentials/known-connections.ts';
import { disconnectCredential } from '../credentials/retirement/disconnect-credential.ts';
import { forgetEndedWaiters } from '../credentials/waiters/forget-ended-waiters.ts';
import { refuseUnmigrated } from '../db/migrations.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import type { AddressSource, NetworkPolicy } from '../net/network.ts';
import { parseOutboundUrl, refusedUrlMessage } from '../net/outbound-url.ts';
import { createPayloadCipher } from '../payloads/payload-cipher.ts';
import { createServerStore } from '../servers/server-store.ts';
import { cursorKeys } from '../steps/list-cursor.ts';
import { noteStepChanges } from '../steps/note-step-changes.ts';
import { createStepClient } from '../steps/step-client.ts';
import { listUserTools } from '../tools/list-user-tools.ts';
import { createKeyRing } from '../vault/key-ring.ts';
import type { Services } from './services.ts';
import { describeNamespace, NAMESPACE_TIMEOUT_MS } from './temporal-failure.ts';

/** What the routes call, except for that of the web page. */
export function createHttpDependencies(
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
