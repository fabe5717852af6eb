import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stopWithParent } from '../../src/dev/embedded/child-process.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** One process of the built product, as an operator would run it. */
export interface LatchkeyProcess {
  readonly name: string;
  isReady(): boolean;
  isGone(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when it is gone and all that it logged has been read. */
  readonly gone: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface LatchkeyProcessOptions {
  name: string;
  role: 'worker' | 'server' | 'migrate';
  environment: Record<string, string>;
  /** Its output is appended there. */
  logFile: string;
  onLogLine: (line: Record<string, unknown>) => void;
}

export function startLatchkey(options: LatchkeyProcessOptions): LatchkeyProcess {
  const { name, role, environment } = options;
  const child = spawn(process.execPath, [CLI, role], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid === undefined) throw new Error(`${name} did not start`);
  const watchdog = stopWithParent(child.pid, 'SIGKILL');
  let ready = false;
  const read = readLog(child, options, () => {
    ready = true;
  });
  const exited = once(child, 'exit');
  return {
    name,
    isReady: () => ready,
    isGone: () => child.exitCode !== null || child.signalCode !== null,
    signal: (signal) => void child.kill(signal),
    gone: Promise.all([exited, read]).then(() => {
      watchdog.dismiss();
      return { code: child.exitCode, signal: child.signalCode };
    }),
  };
}

async function readLog(
  { stdout, stderr }: ChildProcess,
  { logFile, onLogLine }: LatchkeyProcessOptions,
  onReady: () => void,
): Promise<void> {
  if (stdout === null || stderr === null) throw new Error('the process has no output to read');
  const file = createWriteStream(logFile, { flags: 'a' });
  stderr.pipe(file, { end: false });
  for await (const text of createInterface({ input: stdout })) {
    file.write(`${text}\n`);
    const line = parse(text);
    if (line?.msg === 'ready') onReady();
    if (line !== undefined) onLogLine(line);
  }
  file.end();
}

// A process that is killed may leave half a line.
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // The cast names what is checked: the log's lines are objects.
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
