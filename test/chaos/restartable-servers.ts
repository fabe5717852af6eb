import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../../src/dev/embedded/postgres.ts';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import { startTemporal } from '../../src/dev/embedded/temporal.ts';
import type { Random } from './random.ts';

/** A server that comes back at the same address with the same data. */
export interface RestartableServer {
  /** What clients connect to. */
  readonly address: string;
  restart(how: { downMs: number; abrupt: boolean }): Promise<void>;
  stop(): Promise<void>;
}

interface Running {
  address: string;
  pid: number;
  stop(): Promise<void>;
}

export async function startRestartablePostgres(folder: string, port: number): Promise<RestartableServer> {
  const start = async () => {
    const postgres = await startPostgres({
      dataDir: `${folder}/postgres`,
      port,
      logFile: `${folder}/postgres.log`,
    });
    return { ...postgres, address: postgres.url };
  };
  // "Immediate" shutdown: it recovers as from a crash. postgresql.org/docs/18/server-shutdown.html
  return restartable(start, 'SIGQUIT');
}

/** Its executions are kept in a file. */
export async function startRestartableTemporal(folder: string, port: number): Promise<RestartableServer> {
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('No Temporal CLI: run `node scripts/setup.mjs --for test`.');
  const dataFile = `${folder}/temporal.db`;
  const start = () => startTemporal({ binary: cli.path, dataFile, port, logFile: `${folder}/temporal.log` });
  return restartable(start, 'SIGKILL');
}

async function restartable(
  start: () => Promise<Running>,
  abruptSignal: NodeJS.Signals,
): Promise<RestartableServer> {
  let running = await start();
  return {
    address: running.address,
    async restart({ downMs, abrupt }) {
      if (abrupt) process.kill(running.pid, abruptSignal);
      await running.stop();
      await delay(downMs);
      running = await start();
    },
    stop: () => running.stop(),
  };
}

/** Below those that the system gives to clients: one that connects to a port of its own range may meet itself. */
export async function quietPort(random: Random): Promise<number> {
  for (;;) {
    const port = random.int(15_000, 30_000);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
