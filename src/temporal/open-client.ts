import { Client, type ConnectionLike } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { createDataConverter } from '../payloads/data-converter.ts';

type PayloadKeys = NonNullable<Parameters<typeof createDataConverter>[0]>;

/** The part of a role's configuration that a client needs. */
export interface TemporalClientConfig {
  temporal: { namespace: string };
  payloadKeys: { reveal(): PayloadKeys } | undefined;
}

/**
 * Opens a Temporal client that encrypts payloads as the configuration says.
 *
 * @param own a data converter to add the encryption to
 */
export function openTemporalClient(
  connection: ConnectionLike,
  { temporal, payloadKeys }: TemporalClientConfig,
  own?: DataConverter,
): Client {
  return new Client({
    connection,
    namespace: temporal.namespace,
    dataConverter: createDataConverter(payloadKeys?.reveal(), own),
  });
}

/** Opens a client that is the same as another one, on the same connection, but for the data converter. */
export function withDataConverter(client: Client, dataConverter: DataConverter): Client {
  const { namespace, identity, interceptors } = client.options;
  return new Client({ connection: client.connection, namespace, identity, interceptors, dataConverter });
}
