import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import pg from 'pg';
import { assertPortFree, freePort } from './free-port.ts';
import { assertReachable, postgresAccount } from './postgres-account.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { makeDataDir, openPostgresData } from './postgres-data.ts';
import { startServerProcess } from './server-process.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

export interface PostgresOptions {
  /** Made where it is missing; one Postgres at a time uses it. */
  dataDir: string;
  /** Default: a free one. */
  port?: number;
  /** False: nothing is flushed to disk, and `stop` removes `dataDir`. Default true. */
  persistent?: boolean;
  /** The server's own log is appended there. */
  logFile?: string;
}

export interface EmbeddedPostgres {
  /** Of the superuser, database `postgres`; holds the password. */
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a Postgres on 127.0.0.1 and resolves when it takes connections. It ends with this process at the
 * latest. Root runs it as user `postgres`, which is created where the machine has none.
 *
 * @throws with the reason, or the server's last output, when it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const durable = options.persistent ?? true;
  const account = await postgresAccount();
  await makeDataDir(dataDir, account);
  await assertReachable(dataDir, account);
  const binaries = await postgresBinaries(account, dataDir);
  const data = await openPostgresData(dataDir, binaries.initdb, account, { durable });
  const port = options.port ?? (await freePort());
  await assertPortFree(port);
  const server = await startServerProcess({
    name: 'Postgres',
    command: binaries.postgres,
    args: ['-D', data.cluster, '-p', String(port), ...settings(durable)],
    cwd: data.cluster,
    ...(account && { account }),
    ...(options.logFile !== undefined && { logFile: options.logFile }),
    // "Fast": ends its sessions instead of waiting for them. https://www.postgresql.org/docs/18/server-shutdown.html
    stopSignal: 'SIGINT',
    graceMs: STOP_WITHIN_MS,
    ...(!durable && { scratchFolder: dataDir }),
  });
  const stop = async () => {
    await server.stop();
    if (!durable) await rm(dataDir, { recursive: true, force: true });
  };
  const url = `postgresql://postgres:${data.password}@127.0.0.1:${port}/postgres`;
  await server
    .untilReady(() => connectOnce(url), READY_WITHIN_MS)
    .catch(async (error: unknown) => {
      await stop();
      throw error;
    });
  return { url, pid: server.pid, stop };
}

function settings(durable: boolean): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function connectOnce(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
  } finally {
    await client.end();
  }
}
