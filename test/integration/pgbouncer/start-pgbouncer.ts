import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { postgresAccount } from '../../../src/dev/embedded/postgres-account.ts';
import { startServerProcess } from '../../../src/dev/embedded/server-process.ts';

export interface PgBouncerOptions {
  program: string;
  /** What an operator writes: pgbouncer.ini without the parts of this machine. */
  settings: string;
  /** The only user. */
  user: string;
  password: string;
  /** How many connections to Postgres all clients share. */
  serverConnections: number;
}

export interface PgBouncer {
  /** A connection string of a database in `settings`. */
  urlOf(database: string): string;
  /** The rows of its console, such as `SHOW STATS`. */
  show(command: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** Starts PgBouncer on 127.0.0.1. As Postgres, it refuses to run as root. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const { user, password } = options;
  const port = await freePort();
  const account = await postgresAccount();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-pgbouncer-'));
  const config = join(folder, 'pgbouncer.ini');
  const users = join(folder, 'users.txt');
  await writeFile(config, `${options.settings}\n${settingsHere(options, port, users)}`);
  await writeFile(users, `"${user}" "${password}"\n`);
  if (account) for (const path of [folder, config, users]) await chown(path, account.uid, account.gid);
  await chmod(folder, 0o700);
  const server = await startServerProcess({
    name: 'PgBouncer',
    command: options.program,
    args: [config],
    stopSignal: 'SIGTERM',
    graceMs: 2_000,
    scratchFolder: folder,
    ...(account && { account }),
  });
  const urlOf = (database: string) => `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
  const show = (command: string) => ask(urlOf('pgbouncer'), command);
  await server.untilReady(() => show('SHOW VERSION'), 20_000);
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { urlOf, show, stop };
}

function settingsHere({ user, serverConnections }: PgBouncerOptions, port: number, users: string): string {
  return `listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
admin_users = ${user}
default_pool_size = ${serverConnections}
max_client_conn = 200
`;
}

async function ask(url: string, command: string): Promise<Record<string, unknown>[]> {
  const console = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  console.on('error', () => {});
  try {
    await console.connect();
    return (await console.query(command)).rows;
  } finally {
    await console.end();
  }
}
