import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { childEnvironment } from './child-process.ts';
import type { PostgresAccount } from './postgres-account.ts';

const run = promisify(execFile);
const FORMER_EXIT_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 50;

export interface PostgresData {
  /** Postgres's data directory. */
  cluster: string;
  /** The password of the user `postgres`. */
  password: string;
}

/** Opens the data in `dataDir`. The first call creates it. */
export async function openPostgresData(
  dataDir: string,
  initdb: string,
  account: PostgresAccount,
  options: { durable: boolean },
): Promise<PostgresData> {
  const cluster = join(dataDir, 'cluster');
  const passwordFile = join(dataDir, 'password');
  if (!(await exists(cluster))) {
    await initialize({ cluster, passwordFile, initdb, account, durable: options.durable });
  }
  await waitForFormerPostgres(cluster);
  return { cluster, password: (await readFile(passwordFile, 'utf8')).trim() };
}

interface Initialisation {
  cluster: string;
  passwordFile: string;
  initdb: string;
  account: PostgresAccount;
  durable: boolean;
}

async function initialize({
  cluster,
  passwordFile,
  initdb,
  account,
  durable,
}: Initialisation): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  const unfinished = await mkdtemp(`${cluster}-`);
  const passwordForInitdb = `${unfinished}.password`;
  await writeFile(passwordForInitdb, password, { mode: 0o600 });
  if (account) {
    await chown(unfinished, account.uid, account.gid);
    await chown(passwordForInitdb, account.uid, account.gid);
  }
  try {
    const flags = [
      ...initdbFlags(unfinished, passwordForInitdb, durable),
      ...localeFlags(await majorOf(initdb, account)),
    ];
    await run(initdb, flags, { ...account, env: childEnvironment(), cwd: unfinished });
    await writeFile(passwordFile, password, { mode: 0o600 });
    // Renamed in the last step, so that an incomplete initialisation is never used.
    await rename(unfinished, cluster);
  } finally {
    await rm(passwordForInitdb, { force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

function initdbFlags(cluster: string, passwordFile: string, durable: boolean): string[] {
  return [
    `--pgdata=${cluster}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    ...(durable ? [] : ['--no-sync']),
  ];
}

/** Sorts text the same way on every machine, independent of its locales. Postgres has a provider of its own since 17. */
function localeFlags(major: number): string[] {
  const builtin = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  return ['--locale=C', ...(major >= 17 ? builtin : [])];
}

async function majorOf(initdb: string, account: PostgresAccount): Promise<number> {
  const { stdout } = await run(initdb, ['--version'], { ...account, env: childEnvironment(), cwd: '/' });
  return Number(/\) (\d+)/.exec(stdout)?.[1]);
}

/**
 * Waits for a Postgres whose parent was killed, because it ends a moment later. Removes its leftover
 * `postmaster.pid`: a new Postgres would refuse to start if another process has that id by now.
 *
 * @throws if it still runs after ten seconds, which means that another process uses it
 */
async function waitForFormerPostgres(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid');
  const deadline = performance.now() + FORMER_EXIT_TIMEOUT_MS;
  for (;;) {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
    if (Number.isNaN(pid)) return;
    if (!(await isPostgresOf(cluster, pid))) return rm(pidFile, { force: true });
    if (performance.now() > deadline) {
      throw new Error(`Another Postgres (process ${pid}) uses the data folder ${cluster}.`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}

async function isPostgresOf(cluster: string, pid: number): Promise<boolean> {
  const fromProc = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (fromProc !== undefined) return fromProc.includes(cluster);
  const fromPs = await run('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return fromPs.stdout.includes(cluster);
}

/** Creates `dataDir` if it is missing, and lets the account enter it, but not read it. */
export async function makeDataDir(dataDir: string, account: PostgresAccount): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (account !== undefined) await chmod(dataDir, (await stat(dataDir)).mode | 0o011);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
