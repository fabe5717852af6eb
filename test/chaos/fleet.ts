import { setTimeout as delay } from 'node:timers/promises';
import { type LatchkeyProcess, startLatchkey } from './latchkey-process.ts';
import type { Interruption, RefreshEvent } from './loss-judgement.ts';

/** A place for one process; whoever dies in it is replaced. */
export interface Post {
  readonly name: string;
  readonly role: 'worker' | 'server';
  readonly environment: Record<string, string>;
}

/** The product's processes, kept at their posts as a supervisor would keep them. */
export interface Fleet {
  /** SIGKILL; its replacement starts at once. */
  kill(post: string): Promise<void>;
  /** SIGABRT that the fleet did not ask for: what a crash looks like from outside. */
  crash(post: string): Promise<void>;
  /** SIGSTOP, and SIGCONT after so many milliseconds. */
  stop(post: string, forMs: number): Promise<void>;
  /** SIGTERM, and SIGKILL where it has not ended in time. */
  drain(post: string): Promise<void>;
  /** The post that a process of that name stands or stood at. */
  postOf(process: string): string;
  /** Resolves when every post has a process that is ready. @throws after a while */
  allReady(): Promise<void>;
  /** Nobody is replaced any more; resolves when all are gone. */
  end(): Promise<void>;
  readonly interruptions: readonly Interruption[];
  readonly refreshEvents: readonly RefreshEvent[];
  /** Processes that ended by themselves after they were ready. */
  readonly crashes: readonly string[];
}

const REPLACED_AFTER_MS = 500;
const READY_WITHIN_MS = 120_000;
/** The grace that the product gives calls under way, and some more. */
const DRAINED_WITHIN_MS = 40_000;
const LOOK_AGAIN_MS = 50;

export function startFleet(posts: readonly Post[], folder: string): Fleet {
  const manned = new Map<string, LatchkeyProcess>();
  const interruptions: Interruption[] = [];
  const refreshEvents: RefreshEvent[] = [];
  const crashes: string[] = [];
  const expected = new Set<LatchkeyProcess>();
  let isOpen = true;

  async function keepManned(post: Post): Promise<void> {
    for (let generation = 1; isOpen; generation += 1) {
      const name = `${post.name}#${generation}`;
      const logFile = `${folder}/${post.name}.log`;
      const onLogLine = (line: Record<string, unknown>) => {
        const event = refreshEventIn(name, line);
        if (event !== undefined) refreshEvents.push(event);
      };
      const process = startLatchkey({ ...post, name, logFile, onLogLine });
      manned.set(post.name, process);
      const { code, signal } = await process.gone;
      const hasCrashed = isOpen && process.isReady() && !expected.has(process);
      if (hasCrashed) crashes.push(`${name} (${signal ?? `exit code ${code}`})`);
      if (isOpen) await delay(REPLACED_AFTER_MS);
    }
  }

  const watches = posts.map(keepManned);
  const at = (post: string): LatchkeyProcess => {
    const process = manned.get(post);
    if (process === undefined) throw new Error(`no process runs at ${post}`);
    return process;
  };

  async function kill(process: LatchkeyProcess): Promise<void> {
    if (process.isGone()) return;
    expected.add(process);
    interruptions.push({ process: process.name, signal: 'SIGKILL', at: Date.now() });
    process.signal('SIGKILL');
    await process.gone;
  }

  return {
    interruptions,
    refreshEvents,
    crashes,
    kill: (post) => kill(at(post)),
    async crash(post) {
      const process = at(post);
      process.signal('SIGABRT');
      await process.gone;
    },
    async stop(post, forMs) {
      const process = at(post);
      if (process.isGone()) return;
      const interruption: Interruption = { process: process.name, signal: 'SIGSTOP', at: Date.now() };
      interruptions.push(interruption);
      process.signal('SIGSTOP');
      await delay(forMs);
      process.signal('SIGCONT');
      interruption.until = Date.now();
    },
    async drain(post) {
      const process = at(post);
      expected.add(process);
      process.signal('SIGTERM');
      await Promise.race([process.gone, delay(DRAINED_WITHIN_MS, undefined, { ref: false })]);
      await kill(process);
    },
    postOf: (process) => process.replace(/#.*/, ''),
    async allReady() {
      const deadline = performance.now() + READY_WITHIN_MS;
      const isManned = ({ name }: Post) => manned.get(name)?.isReady() && !manned.get(name)?.isGone();
      while (!posts.every(isManned)) {
        if (performance.now() > deadline) throw new Error(`not all processes came up; see ${folder}`);
        await delay(LOOK_AGAIN_MS);
      }
    },
    async end() {
      isOpen = false;
      for (const process of manned.values()) process.signal('SIGKILL');
      await Promise.all(watches);
    },
  };
}

const REFRESH_EVENTS: Record<string, RefreshEvent['event']> = {
  'refresh.started': 'started',
  'refresh.done': 'done',
  'refresh.failed': 'failed',
};

function refreshEventIn(process: string, line: Record<string, unknown>): RefreshEvent | undefined {
  const event = REFRESH_EVENTS[String(line.event)];
  if (event === undefined) return undefined;
  return { process, userId: String(line.userId), event, at: Date.parse(String(line.time)) };
}
