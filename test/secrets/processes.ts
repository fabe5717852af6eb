import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LATCHKEY } from '../support/child-process.ts';
import type { Evidence } from './sinks/sink.ts';

const ROOT = new URL('../../', import.meta.url);
const TYPESCRIPT = [
  '--import',
  pathToFileURL(fileURLToPath(new URL('test/support/typescript.mjs', ROOT))).href,
];

export interface StoryProcess {
  /** The fields of the line that says it is ready. @throws when it ends before */
  ready(): Promise<Record<string, unknown>>;
  /** On stdout, so far. */
  printed(): string;
  /** Resolves with its exit code when it has ended and everything it wrote has been read. */
  ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Processes whose command lines and output are kept, whatever becomes of them. */
export interface Processes {
  /** `latchkey …` with no other environment than that. */
  latchkey(environment: Record<string, string>, ...args: string[]): StoryProcess;
  /** Any TypeScript of this project. */
  run(name: string, args: readonly string[]): StoryProcess;
  /** Every line of every process. */
  output(): Evidence[];
  /** Of every process when it started, and of those that still run as they are now. */
  commandLines(): Evidence[];
  endAll(): Promise<void>;
}

interface Kept {
  name: string;
  pid: number;
  stdout: string[];
  stderr: string[];
  isRunning: boolean;
  process: StoryProcess;
}

export function createProcesses(): Processes {
  const all: Kept[] = [];
  const commandLines: Evidence[] = [];
  // A test that fails before it can end them would leave them running.
  process.once('exit', () => {
    for (const kept of all) if (kept.isRunning) kept.process.kill('SIGKILL');
  });
  const look = ({ name, pid }: Kept) => {
    const path = `/proc/${pid}/cmdline`;
    const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    if (content.length > 0) commandLines.push({ where: `argv of ${name}`, content });
  };
  const start = (name: string, args: readonly string[], env: Record<string, string>): StoryProcess => {
    const kept = startProcess(name, args, env);
    all.push(kept);
    look(kept);
    return kept.process;
  };
  return {
    latchkey: (env, ...args) => start(`latchkey ${args.join(' ')}`, [LATCHKEY, ...args], env),
    run: (name, args) => start(name, [...TYPESCRIPT, ...args], {}),
    output: () => all.flatMap((kept) => [...linesOf(kept, 'stdout'), ...linesOf(kept, 'stderr')]),
    commandLines() {
      for (const kept of all) if (kept.isRunning) look(kept);
      return commandLines;
    },
    async endAll() {
      for (const { process } of all) process.kill('SIGKILL');
      await Promise.all(all.map(({ process }) => process.ended));
    },
  };
}

function startProcess(name: string, args: readonly string[], env: Record<string, string>): Kept {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(ROOT),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const read = [keep(child.stdout, stdout), keep(child.stderr, stderr)];
  const ended = Promise.all([once(child, 'exit'), ...read]).then(([[code]]): number | null => {
    kept.isRunning = false;
    return code;
  });
  const ready = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const line = stdout
        .join('')
        .split('\n')
        .find((text) => text.includes('"msg":"ready"'));
      if (line !== undefined) return JSON.parse(line);
      if (!kept.isRunning) throw new Error(`${name} ended: ${stdout.join('')}${stderr.join('')}`);
      await Promise.race([once(child.stdout, 'data'), ended]);
    }
  };
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  if (child.pid === undefined) throw new Error(`${name} did not start`);
  const kept: Kept = {
    name,
    pid: child.pid,
    stdout,
    stderr,
    isRunning: true,
    process: { ready, printed: () => stdout.join(''), ended, kill },
  };
  return kept;
}

async function keep(stream: Readable, chunks: string[]): Promise<void> {
  stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  await finished(stream);
}

function linesOf(kept: Kept, stream: 'stdout' | 'stderr'): Evidence[] {
  return kept[stream]
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((content, at) => ({ where: `log: ${kept.name}, ${stream}, line ${at + 1}`, content }));
}
