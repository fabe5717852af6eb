import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from './child-environment.ts';
import { withPrivateFiles } from './private-files.ts';
import { type StopSignal, stopWithParent } from './stop-with-parent.ts';

const KEPT_OUTPUT_CHARACTERS = 4_000;
const PROBE_INTERVAL_MS = 25;

export interface ServerProcessOptions {
  /** What messages call it. */
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  /** Only root may choose. */
  account?: { uid: number; gid: number };
  /** Its output is appended there. */
  logFile?: string;
  /** Asks it to stop. Default SIGTERM. */
  stopSignal?: StopSignal;
  /** SIGKILL follows so many milliseconds after `stopSignal`. Default 10,000. */
  graceMs?: number;
  /** Removed when this process is killed; its owner removes it in every other case. */
  scratchFolder?: string;
}

/** A server that this process has started and that never outlives it. */
export interface ServerProcess {
  readonly pid: number;
  /**
   * Resolves when `probe` does; it is asked again until then.
   * @throws with the server's last output when it ends first or `timeoutMs` pass
   */
  untilReady(probe: () => Promise<unknown>, timeoutMs: number): Promise<void>;
  /** Resolves when the process is gone; asking again is harmless. */
  stop(): Promise<void>;
}

/** @throws when the command can't be run at all */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const child = withPrivateFiles(() =>
    spawn(options.command, options.args, {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      ...options.account,
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own process group: Ctrl-C reaches this process alone, which then stops its servers in order.
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
    untilReady: (probe, timeoutMs) => untilReady(options.name, child, output, probe, timeoutMs),
    stop: () => stop(child, exited, stopSignal, options.graceMs ?? 10_000),
  };
}

async function untilReady(
  name: string,
  child: ChildProcess,
  output: () => string,
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
    if (hasExited(child)) throw new Error(`${name} ended before it was ready:\n${output()}`);
    if (performance.now() > deadline) {
      throw new Error(`${name} was not ready after ${timeoutMs} ms:\n${output()}`, { cause: failure.error });
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

/** Reads the streams to their end, so that a full pipe never blocks the server. */
function keepOutput(streams: Readable[], logFile: string | undefined): () => string {
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  let kept = '';
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log?.write(text);
      kept = (kept + text).slice(-KEPT_OUTPUT_CHARACTERS);
    });
  }
  Promise.allSettled(streams.map((stream) => once(stream, 'close'))).then(() => log?.end());
  return () => kept.trim();
}
