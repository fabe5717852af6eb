import { Client, type ConnectionLike } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { createDataConverter } from '../payloads/data-converter.ts';
import type { Tracing } from '../telemetry/traces/tracing.ts';
import { traceStarts } from './trace-interceptors.ts';

type PayloadKeys = NonNullable<Parameters<typeof createDataConverter>[0]>;

/** The part of a role's configuration that a client needs. */
export interface TemporalClientConfig {
  temporal: { namespace: string };
  payloadKeys: { reveal(): PayloadKeys } | undefined;
}

export interface TemporalClientOptions {
  /** A data converter to add the encryption to. */
  dataConverter?: DataConverter | undefined;
  /** Undefined: the workflows that it starts belong to no trace. */
  tracing?: Tracing | undefined;
}

/**
 * Opens a Temporal client that encrypts payloads as the configuration says.
 */
export function openTemporalClient(
  connection: ConnectionLike,
  { temporal, payloadKeys }: TemporalClientConfig,
  { dataConverter: own, tracing }: TemporalClientOptions = {},
): Client {
  return new Client({
    connection,
    namespace: temporal.namespace,
    dataConverter: createDataConverter(payloadKeys?.reveal(), own),
    ...(tracing && { interceptors: { workflow: [traceStarts(tracing)] } }),
  });
}

/** Opens a client that is the same as another one, on the same connection, but for the data converter. */
export function withDataConverter(client: Client, dataConverter: DataConverter): Client {
  const { namespace, identity, interceptors } = client.options;
  return new Client({ connection: client.connection, namespace, identity, interceptors, dataConverter });
}
