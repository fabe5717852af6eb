import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { findTemporalCli } from '../../../src/dev/embedded/server-binaries.ts';
import { startTemporal } from '../../../src/dev/embedded/temporal.ts';
import { openTemporalConnection } from '../../../src/temporal/connection.ts';
import { quietTemporal } from '../../support/quiet-temporal.ts';
import { type TestTemporal, testDataConverter } from '../../support/temporal.ts';

/** A Temporal server whose data can be set back. `close` ends it. */
export interface RestorableTemporal extends TestTemporal {
  backUp(): Promise<void>;
  /** Everything since the backup is forgotten. */
  restore(): Promise<void>;
}

export async function startRestorableTemporal(): Promise<RestorableTemporal> {
  quietTemporal();
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('no Temporal CLI: run `node scripts/setup.mjs --for test`');
  const [live, backup] = await Promise.all([newFolder(), newFolder()]);
  const port = await freePort();
  const start = () => startTemporal({ binary: cli.path, port, dataFile: join(live, 'temporal.db') });
  let server = await start();
  const { address, namespace } = server;
  const opened = openTemporalConnection({ address, channelArgs: QUICK_RECONNECT });
  const { connection } = opened;
  const nativeConnection = await NativeConnection.connect({ address });
  /** With its files at rest. */
  const whileStopped = async (work: () => Promise<void>) => {
    await server.stop();
    await work();
    server = await start();
  };
  return {
    address,
    namespace,
    client: new Client({ connection, namespace, dataConverter: testDataConverter() }),
    nativeConnection,
    payloadKeys: inject('payloadKeys'),
    backUp: () => whileStopped(() => copyAll(live, backup)),
    restore: () => whileStopped(() => copyAll(backup, live)),
    async close() {
      await Promise.all([opened.close(), nativeConnection.close()]);
      await server.stop();
      await Promise.all([live, backup].map((folder) => rm(folder, { recursive: true })));
    },
  };
}

const QUICK_RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 25, 'grpc.max_reconnect_backoff_ms': 100 };

function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'latchkey-temporal-'));
}

async function copyAll(from: string, to: string): Promise<void> {
  for (const name of await readdir(to)) await rm(join(to, name));
  for (const name of await readdir(from)) await copyFile(join(from, name), join(to, name));
}
