import { randomBytes } from 'node:crypto';
import { Client, type Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { inject, vi } from 'vitest';
import { createDataConverter } from '../../src/payloads/data-converter.ts';
import { openTemporalConnection } from '../../src/temporal/connection.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';

export interface TestTemporal {
  address: string;
  namespace: string;
  client: Client;
  /** For workers. */
  nativeConnection: NativeConnection;
  /** What payloads are encrypted with, by the client and by workers. Undefined: not at all. */
  payloadKeys: readonly RingKey[] | undefined;
  close(): Promise<void>;
}

/** Connections to the run's dev server. Without `namespace`, to the one that all test files share. */
export async function connectTemporal(
  namespace = inject('temporalNamespace'),
  keys: readonly RingKey[] | 'none' | undefined = inject('payloadKeys'),
): Promise<TestTemporal> {
  const payloadKeys = keys === 'none' ? undefined : keys;
  const address = inject('temporalAddress');
  // The SDK's own connection leaves timers behind when it is closed, which would fail the next file of this worker.
  const temporal = openTemporalConnection({ address });
  const { connection } = temporal;
  const nativeConnection = await NativeConnection.connect({ address });
  return {
    address,
    namespace,
    client: new Client({ connection, namespace, dataConverter: createDataConverter(payloadKeys) }),
    nativeConnection,
    payloadKeys,
    close: async () => {
      await Promise.all([temporal.close(), nativeConnection.close()]);
    },
  };
}

/** With the keys of this run, if payloads are encrypted in it. */
export function testDataConverter(): DataConverter {
  return createDataConverter(inject('payloadKeys'));
}

/** A task queue that no other test polls. */
export function uniqueTaskQueue(name = 'test'): string {
  return `${name}-${randomBytes(6).toString('hex')}`;
}

/**
 * A namespace that no other test sees, for tests that list or count. Takes about a second.
 *
 * @param searchAttributes the Keyword attributes to register in it
 */
export async function createTestNamespace(
  searchAttributes = ['McpStepStatus', 'McpServerId', 'McpUserId'],
): Promise<string> {
  const namespace = uniqueTaskQueue('namespace');
  const { connection, close } = openTemporalConnection({ address: inject('temporalAddress') });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    await vi.waitFor(() => registerKeywords(connection, namespace, searchAttributes), WAIT);
    return namespace;
  } finally {
    await close();
  }
}

/** The server knows a new namespace only after its next look at the list. */
const WAIT = { timeout: 30_000, interval: 100 };
const KEYWORD = 2;

async function registerKeywords(connection: Connection, namespace: string, names: string[]): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length > 0) {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  }
  await connection.workflowService.countWorkflowExecutions({
    namespace,
    query: names.map((name) => `${name} = ''`).join(' AND '),
  });
}

/** The time-skipping test server, one a caller; end it with `teardown()`. */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const path = inject('testServerPath');
  if (path === undefined) {
    throw new Error('No time-skipping test server: run `node scripts/setup.mjs --for test`.');
  }
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
    client: { dataConverter: testDataConverter() },
  });
}
