import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment, type StopSignal, stopWithParent } from './child-process.ts';
import { withPrivateFiles } from './private-files.ts';

const MAX_OUTPUT_CHARACTERS = 64_000;
/** Of the output in a message. A longer one is shortened in its middle: a crash begins with its reason. */
const MAX_EXCERPT_CHARACTERS = 4_000;
const OUTPUT_WITHIN_MS = 1_000;
const PROBE_INTERVAL_MS = 25;

export interface ServerProcessOptions {
  /** The server's name in messages. */
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  /** The user to run as. Only root can choose another user. */
  account?: { uid: number; gid: number };
  /** The server's output is appended to this file. */
  logFile?: string;
  /** The signal that asks the server to stop. Default SIGTERM. */
  stopSignal?: StopSignal;
  /** Milliseconds between `stopSignal` and SIGKILL. Default 10,000. */
  graceMs?: number;
  /** A folder that is removed if this process is killed. In all other cases, its owner removes it. */
  scratchFolder?: string;
}

/** A server that this process has started. It never outlives this process. */
export interface ServerProcess {
  readonly pid: number;
  /**
   * Calls `probe` again and again until it resolves.
   *
   * @throws {ServerEndedError} if the server ends first
   * @throws if `timeoutMs` pass; the message has the server's last output
   */
  untilReady(probe: () => Promise<unknown>, timeoutMs: number): Promise<void>;
  /** Resolves when the process has ended. It may be called again. */
  stop(): Promise<void>;
}

/** A server ended before it was ready. The message has its last output. */
export class ServerEndedError extends Error {
  override readonly name = 'ServerEndedError';
  readonly #output: string;

  constructor(server: string, output: string) {
    super(`${server} ended before it was ready:\n${excerpt(output)}`);
    this.#output = output;
  }

  /** Whether another process had a port that the server wanted. */
  get portInUse(): boolean {
    return /address already in use/i.test(this.#output);
  }
}

/** @throws if the command can't be run */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const child = withPrivateFiles(() =>
    spawn(options.command, options.args, {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      ...options.account,
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own process group, so that Ctrl-C reaches only this process, which then stops its servers in order.
      detached: true,
    }),
  );
  await once(child, 'spawn');
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.name} has no process id`);
  const watchdog = stopWithParent(pid, stopSignal, options.scratchFolder);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve(watchdog.dismiss())));
  const output = keepOutput([child.stdout, child.stderr], options.logFile);
  return {
    pid,
    untilReady: (probe, timeoutMs) => untilReady({ name: options.name, child, output }, probe, timeoutMs),
    stop: () => stop(child, exited, stopSignal, options.graceMs ?? 10_000),
  };
}

async function untilReady(
  { name, child, output }: { name: string; child: ChildProcess; output: Output },
  probe: () => Promise<unknown>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const failure = await probe().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (failure === undefined) return;
    if (hasExited(child)) throw new ServerEndedError(name, await output.all());
    if (performance.now() > deadline) {
      throw new Error(`${name} was not ready after ${timeoutMs} ms:\n${excerpt(output.soFar())}`, {
        cause: failure.error,
      });
    }
    await delay(PROBE_INTERVAL_MS);
  }
}

async function stop(
  child: ChildProcess,
  exited: Promise<void>,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  if (!hasExited(child)) child.kill(signal);
  const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(kill);
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

interface Output {
  /** The last characters of it. */
  soFar(): string;
  /** The same, once the streams have ended. Programs that the server started may keep them open, so it waits briefly. */
  all(): Promise<string>;
}

/** Reads the streams to their end, because a full pipe would block the server. */
function keepOutput(streams: Readable[], logFile: string | undefined): Output {
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  let kept = '';
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log?.write(text);
      kept = (kept + text).slice(-MAX_OUTPUT_CHARACTERS);
    });
  }
  const closed = Promise.allSettled(streams.map((stream) => once(stream, 'close'))).then(() => log?.end());
  const soFar = () => kept.trim();
  return {
    soFar,
    async all() {
      await Promise.race([closed, delay(OUTPUT_WITHIN_MS, undefined, { ref: false })]);
      return soFar();
    },
  };
}

function excerpt(output: string): string {
  if (output.length <= MAX_EXCERPT_CHARACTERS) return output;
  const half = MAX_EXCERPT_CHARACTERS / 2;
  return `${output.slice(0, half)}\n…\n${output.slice(-half)}`;
}
