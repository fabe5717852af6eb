import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { stopWithParent } from '../src/dev/embedded/child-process.ts';

const PROBE = fileURLToPath(new URL('./worker-probe.mjs', import.meta.url));
const READY_WITHIN_MS = 60_000;
const DRAINED_WITHIN_MS = 40_000;

/** A worker in a process of its own, which measures itself: see `worker-probe.mjs`. */
export interface WorkerProcess {
  readonly pid: number;
  /** CPU milliseconds of all of its threads since its start, user and system. */
  cpuMs(): Promise<number>;
  /** Resident memory, and the used heaps of all its threads, after a garbage collection in each. In bytes. */
  memory(): Promise<WorkerMemory>;
  /** Drains. SIGKILL if that takes too long. */
  stop(): Promise<void>;
}

export interface WorkerMemory {
  rss: number;
  heap: number;
}

export interface WorkerProcessOptions {
  name: string;
  /** What Node runs, with its options before it. */
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Its output is appended there. */
  logFile: string;
  /** A folder for a CPU profile of each of its threads, written when it ends. */
  profiles?: string | undefined;
}

const idSchema = z.object({ id: z.number() });
const cpuSchema = z.object({ cpuMs: z.number() });
const memorySchema = z.object({ rss: z.number(), heap: z.number() });

/** Resolves when the process has logged that it is ready. @throws if it does not */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const child = spawnProbed(options);
  if (child.pid === undefined) throw new Error(`${options.name} did not start`);
  const watchdog = stopWithParent(child.pid, 'SIGKILL');
  const exited = once(child, 'exit').finally(watchdog.dismiss);
  const kill = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS);
  const failed = exited.then(() => {
    throw new Error(`${options.name} ended before it was ready: see ${options.logFile}`);
  });
  await Promise.race([logUntilReady(child, options.logFile), failed]).finally(() => clearTimeout(kill));
  failed.catch(() => {});
  const ask = createQuestions(child, options.name, exited);
  return {
    pid: child.pid,
    cpuMs: async () => cpuSchema.parse(await ask('cpu')).cpuMs,
    memory: async () => memorySchema.parse(await ask('memory')),
    stop: () => stop(child, exited),
  };
}

function spawnProbed({ args, environment, profiles }: WorkerProcessOptions): ChildProcess {
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  return spawn(process.execPath, ['--expose-gc', '--import', PROBE, ...profiling, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Resolves at the line `ready`, and goes on writing the log. */
function logUntilReady({ stdout, stderr }: ChildProcess, logFile: string): Promise<void> {
  if (stdout === null || stderr === null) throw new Error('the process has no output to read');
  const log = createWriteStream(logFile, { flags: 'a' });
  stdout.pipe(log, { end: false });
  stderr.pipe(log, { end: false });
  return new Promise((resolve) => {
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => {
      if (!line.includes('"msg":"ready"')) return;
      lines.close();
      // Closing the lines pauses their input, which the log still needs.
      stdout.resume();
      resolve();
    });
  });
}

function createQuestions(child: ChildProcess, name: string, exited: Promise<unknown>) {
  let lastId = 0;
  return async (question: 'cpu' | 'memory'): Promise<unknown> => {
    lastId += 1;
    const id = lastId;
    const answer = new Promise<unknown>((resolve) => {
      const onMessage = (message: unknown) => {
        if (idSchema.safeParse(message).data?.id !== id) return;
        child.off('message', onMessage);
        resolve(message);
      };
      child.on('message', onMessage);
    });
    child.send({ id, ask: question });
    const ended = exited.then(() => {
      throw new Error(`${name} ended while it was measured`);
    });
    return Promise.race([answer, ended]);
  };
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), DRAINED_WITHIN_MS);
  await exited.finally(() => clearTimeout(kill));
}
