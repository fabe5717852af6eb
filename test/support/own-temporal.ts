import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import { startTemporal } from '../../src/dev/embedded/temporal.ts';
import { openTemporalConnection } from '../../src/temporal/connection.ts';
import { type TestTemporal, testDataConverter } from './temporal.ts';

/** A dev server for the caller alone, with settings of its own; `close` ends it. */
export async function startOwnTemporal(
  dynamicConfig: Record<string, boolean | number | string>,
): Promise<TestTemporal> {
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('no Temporal CLI: run `node scripts/setup.mjs --for test`');
  const { address, namespace, stop } = await startTemporal({ binary: cli.path, dynamicConfig });
  const temporal = openTemporalConnection({ address });
  const { connection } = temporal;
  const nativeConnection = await NativeConnection.connect({ address });
  return {
    address,
    namespace,
    client: new Client({ connection, namespace, dataConverter: testDataConverter() }),
    nativeConnection,
    payloadKeys: inject('payloadKeys'),
    async close() {
      await Promise.all([temporal.close(), nativeConnection.close()]);
      await stop();
    },
  };
}
