import { Worker } from 'node:worker_threads';
import { isWithin } from '../contracts/json-size.ts';
import type { ArgumentsVerdict } from './tool-arguments-thread.mjs';

/** `unchecked`: the check took too long, too much memory, or found no thread in time. */
export type CheckedArguments = ArgumentsVerdict | { kind: 'unchecked' };

/**
 * Checks arguments against a schema that may be anybody's, in threads beside the main one. A schema can make a check
 * take for ever (branches that multiply, references in a circle), and so can honest arguments: `uniqueItems` compares
 * each item with each.
 */
export interface ArgumentsChecker {
  check(inputSchema: Record<string, unknown>, args: Record<string, unknown>): Promise<CheckedArguments>;
  close(): Promise<void>;
}

export interface ArgumentsCheckerOptions {
  /** For one check. Default 1 s. */
  limitMs?: number;
  /** For a thread to be free. Default 5 s. */
  queueMs?: number;
}

/** As JSON: that is handed to a thread in a tenth of the time that a copy of its objects takes. */
type Question = string;

interface Job {
  question: Question;
  answer(outcome: CheckedArguments): void;
  /** Takes it from the queue. */
  tired: NodeJS.Timeout;
}

/** The machine has other work. */
const MAX_THREADS = 2;
const LIMIT_MS = 1_000;
const QUEUE_MS = 5_000;
const START_MS = 10_000;
/** A check that takes more memory ends its thread, not the process. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
/** Handing more to a thread takes longer than the main thread may be held up. */
const MAX_SCHEMA_CHARACTERS = 256 * 1024;
const MAX_ARGUMENTS_CHARACTERS = 2 * 1024 * 1024;
const THREAD = new URL('./tool-arguments-thread.mjs', import.meta.url);
const UNCHECKED: CheckedArguments = { kind: 'unchecked' };

export function createArgumentsChecker(options: ArgumentsCheckerOptions = {}): ArgumentsChecker {
  const { limitMs = LIMIT_MS, queueMs = QUEUE_MS } = options;
  const queue: Job[] = [];
  const threads = createThreads();
  const takeNext = () => {
    if (!threads.hasRoom() || queue.length === 0) return;
    const job = leave(queue, queue[0]);
    void threads.ask(job.question, limitMs).then((outcome) => {
      job.answer(outcome);
      takeNext();
    });
  };
  return {
    async check(inputSchema, args) {
      // It refuses nothing, as one that does not compile.
      if (!isWithin(inputSchema, MAX_SCHEMA_CHARACTERS)) return { kind: 'valid' };
      if (!isWithin(args, MAX_ARGUMENTS_CHARACTERS)) return UNCHECKED;
      return new Promise((answer) => {
        const tired = setTimeout(() => leave(queue, job).answer(UNCHECKED), queueMs);
        const job: Job = { question: JSON.stringify({ inputSchema, args }), answer, tired };
        queue.push(job);
        takeNext();
      });
    },
    async close() {
      while (queue.length > 0) leave(queue, queue[0]).answer(UNCHECKED);
      await threads.close();
    },
  };
}

function leave(queue: Job[], job: Job | undefined): Job {
  if (job === undefined) throw new Error('the queue is empty');
  clearTimeout(job.tired);
  queue.splice(queue.indexOf(job), 1);
  return job;
}

/** Threads that are started when they are needed and kept, but for those that gave no verdict. */
function createThreads() {
  const all = new Set<Worker>();
  const idle: Worker[] = [];
  const end = async (thread: Worker) => {
    all.delete(thread);
    await thread.terminate();
  };
  return {
    hasRoom: () => idle.length > 0 || all.size < MAX_THREADS,
    async ask(question: Question, limitMs: number): Promise<CheckedArguments> {
      const thread = idle.pop() ?? startThread();
      all.add(thread);
      const outcome = await askWithin(limitMs, thread, question);
      if (outcome === UNCHECKED) await end(thread);
      else idle.push(thread);
      return outcome;
    },
    close: () => Promise.all([...all].map(end)),
  };
}

function startThread(): Worker {
  const thread = new Worker(THREAD, {
    workerData: { isForToolArguments: true },
    resourceLimits: RESOURCE_LIMITS,
  });
  // An idle thread keeps no process alive. One that fails is told by its job, and must not end the process.
  thread.unref();
  thread.on('error', () => {});
  return thread;
}

/** The time that a new thread takes to start is not the check's. */
function askWithin(limitMs: number, thread: Worker, question: Question): Promise<CheckedArguments> {
  return new Promise((resolve) => {
    const settle = (outcome: CheckedArguments) => {
      clearTimeout(timer);
      thread.off('message', onMessage).off('exit', onExit);
      resolve(outcome);
    };
    const onExit = () => settle(UNCHECKED);
    const onMessage = (message: 'started' | ArgumentsVerdict) => {
      if (message !== 'started') return settle(message);
      clearTimeout(timer);
      timer = setTimeout(onExit, limitMs);
    };
    let timer = setTimeout(onExit, START_MS);
    thread.on('message', onMessage).on('exit', onExit);
    thread.postMessage(question);
  });
}
