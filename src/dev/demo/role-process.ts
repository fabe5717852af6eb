import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../cli.js', import.meta.url));

/** A Latchkey process, started as an operator would start it. */
export interface RoleProcess {
  pid: number;
  /** Sends SIGTERM, so that the process drains. */
  stop(): Promise<void>;
  /** Sends SIGKILL, so that the process does not drain. */
  kill(): Promise<void>;
}

/**
 * Starts `latchkey worker` or `latchkey server` and resolves when it logs that it is ready.
 *
 * @throws if the process ends before that; its log says why
 */
export async function startRole(
  role: 'worker' | 'server',
  env: Record<string, string>,
  logFile: string,
): Promise<RoleProcess> {
  const child = spawn(process.execPath, [CLI, role], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const exited = once(child, 'exit').then(() => log.end());
  await Promise.race([untilReady(child), exited.then(() => failed(role, logFile))]);
  return {
    pid: child.pid ?? -1,
    stop: () => end(child, exited, 'SIGTERM'),
    kill: () => end(child, exited, 'SIGKILL'),
  };
}

async function untilReady({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new Error('the process has no output to read');
  const lines = createInterface({ input: stdout });
  for await (const line of lines) if (line.includes('"msg":"ready"')) return;
}

function failed(role: string, logFile: string): never {
  throw new Error(`latchkey ${role} ended before it was ready; see ${logFile}`);
}

async function end(child: ChildProcess, exited: Promise<unknown>, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await exited;
}
