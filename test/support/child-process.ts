import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The command as it was built. */
export const LATCHKEY = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const REGISTER_TYPESCRIPT = fileURLToPath(new URL('./typescript.mjs', import.meta.url));

export interface TypescriptProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The next line on its stdout. @throws when it ends before it writes one */
  nextLine(): Promise<string>;
  /** Sends the signal (default SIGKILL) and resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Runs TypeScript of this project in a process of its own. Its stderr is this process's.
 *
 * @param source an ES module's text; its relative imports are relative to the repository's root
 * @param data what the module finds as JSON in `process.env.DATA`
 */
export function runTypescript(source: string, data: unknown = null): TypescriptProcess {
  return run(['--input-type=module', '--eval', source], { DATA: JSON.stringify(data) });
}

/**
 * Runs a file of this project in a process of its own. That one may have worker threads: they inherit the
 * options of `runTypescript` and would not start.
 *
 * @param path relative to the repository's root
 * @param environment beside this process's own
 */
export function runTypescriptFile(
  path: string,
  environment: Record<string, string>,
  ...args: string[]
): TypescriptProcess {
  return run([path, ...args], environment);
}

/**
 * Runs `latchkey …` from `dist`, which global set-up has brought up to date, in a process of its own: as it ships, and
 * without transpiling or bundling anything at its start.
 *
 * @param environment beside this process's own
 */
export function runLatchkey(environment: Record<string, string>, ...args: string[]): TypescriptProcess {
  return startNode([LATCHKEY, ...args], environment);
}

function run(program: string[], environment: Record<string, string>): TypescriptProcess {
  return startNode(['--import', pathToFileURL(REGISTER_TYPESCRIPT).href, ...program], environment);
}

/**
 * Runs Node in a process of its own.
 *
 * @param environment beside this process's own
 * @param node default: this process's Node, in the repository's root
 */
export function startNode(
  args: string[],
  environment: Record<string, string>,
  { path = process.execPath, cwd = ROOT }: { path?: string; cwd?: string } = {},
): TypescriptProcess {
  const child = spawn(path, args, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const nextLine = lines(child.stdout);
  if (child.pid === undefined) throw new Error('the process did not start');
  return {
    child,
    pid: child.pid,
    nextLine,
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await exited;
    },
  };
}

function lines(stream: Readable): () => Promise<string> {
  const iterator = createInterface({ input: stream })[Symbol.asyncIterator]();
  return async () => {
    const next = await iterator.next();
    if (next.done) throw new Error('the process ended without another line');
    return next.value;
  };
}

/** Whether there is a process of that id. A zombie is none: in a container nobody may collect orphans. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch {
    return false;
  }
}

function isZombie(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  // proc_pid_stat(5): the state follows the command's name, which is in parentheses.
  return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
