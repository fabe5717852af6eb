import { Worker } from 'node:worker_threads';
import type { JsonPath } from '../contracts/json-path.ts';
import { isWithin } from '../contracts/json-size.ts';
import type { ArgumentsOutcome, ArgumentsProblems } from './tool-arguments-thread.mjs';

/** `unchecked`: the check took too long or too much memory, or no thread was free in time. */
export type CheckedArguments = ArgumentsOutcome | { kind: 'unchecked' };

/** What is wrong with one part of the arguments; never its value. The message follows the part's name. */
export interface ArgumentProblem {
  /** Empty for the arguments as a whole. */
  path: JsonPath;
  message: string;
}

export type FoundProblems =
  | { kind: 'valid' }
  | { kind: 'invalid'; problems: ArgumentProblem[] }
  | { kind: 'unchecked' };

/**
 * Checks arguments against a schema from an untrusted server, in worker threads. A schema can make a check run without
 * end (branches that multiply, circular references). So can ordinary arguments: `uniqueItems` compares each item with
 * all others.
 */
export interface ArgumentsChecker {
  check(inputSchema: Record<string, unknown>, args: Record<string, unknown>): Promise<CheckedArguments>;
  /** Checks the same and says what is wrong with each part, for a form. */
  findProblems(inputSchema: Record<string, unknown>, args: Record<string, unknown>): Promise<FoundProblems>;
  close(): Promise<void>;
}

export interface ArgumentsCheckerOptions {
  /** Milliseconds for one check. Default 1,000. */
  limitMs?: number;
  /** Milliseconds for finding all problems. A person waits for it, and it takes longer. Default 3,000. */
  problemsLimitMs?: number;
  /** Milliseconds until a thread is free. Default 5,000. */
  queueMs?: number;
}

/** JSON, which reaches a thread in a tenth of the time that a structured clone takes. */
type Question = string;

/** What a thread answers, as the question asks for it. */
type Outcome = ArgumentsOutcome | ArgumentsProblems | Unchecked;
type Unchecked = { kind: 'unchecked' };

interface Job {
  question: Question;
  limitMs: number;
  answer(outcome: Outcome): void;
  /** Removes the job from the queue when no thread is free in time. */
  queueTimeout: NodeJS.Timeout;
}

/** Leaves processor time for the rest of the process. */
const MAX_THREADS = 2;
const CHECK_TIMEOUT_MS = 1_000;
const PROBLEMS_TIMEOUT_MS = 3_000;
const QUEUE_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 10_000;
/** A check that takes more memory ends its thread, not the process. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
/** Sending more to a thread would block the main thread for too long. */
const MAX_SCHEMA_CHARACTERS = 256 * 1024;
const MAX_ARGUMENTS_CHARACTERS = 2 * 1024 * 1024;
const THREAD = new URL('./tool-arguments-thread.mjs', import.meta.url);
const UNCHECKED: Unchecked = { kind: 'unchecked' };

export function createArgumentsChecker(options: ArgumentsCheckerOptions = {}): ArgumentsChecker {
  const { limitMs = CHECK_TIMEOUT_MS, queueMs = QUEUE_TIMEOUT_MS } = options;
  const { problemsLimitMs = PROBLEMS_TIMEOUT_MS } = options;
  const queue: Job[] = [];
  const threads = createThreads();
  const takeNext = () => {
    if (!threads.hasRoom() || queue.length === 0) return;
    const job = leave(queue, queue[0]);
    void threads.ask(job.question, job.limitMs).then((outcome) => {
      job.answer(outcome);
      takeNext();
    });
  };
  const ask = async (inputSchema: object, args: object, findsAll: boolean): Promise<Outcome> => {
    // A schema that is too large refuses no arguments, like one that does not compile.
    if (!isWithin(inputSchema, MAX_SCHEMA_CHARACTERS)) return { kind: 'valid' };
    if (!isWithin(args, MAX_ARGUMENTS_CHARACTERS)) return UNCHECKED;
    return new Promise((answer) => {
      const queueTimeout = setTimeout(() => leave(queue, job).answer(UNCHECKED), queueMs);
      const question = JSON.stringify({ inputSchema, args, findsAll });
      const job: Job = { question, limitMs: findsAll ? problemsLimitMs : limitMs, answer, queueTimeout };
      queue.push(job);
      takeNext();
    });
  };
  return {
    // The casts: a thread answers in the form that the question asks for.
    check: async (inputSchema, args) => (await ask(inputSchema, args, false)) as CheckedArguments,
    findProblems: async (inputSchema, args) => (await ask(inputSchema, args, true)) as FoundProblems,
    async close() {
      while (queue.length > 0) leave(queue, queue[0]).answer(UNCHECKED);
      await threads.close();
    },
  };
}

function leave(queue: Job[], job: Job | undefined): Job {
  if (job === undefined) throw new Error('the queue is empty');
  clearTimeout(job.queueTimeout);
  queue.splice(queue.indexOf(job), 1);
  return job;
}

/** Threads are started when needed and kept, except those that did not answer. */
function createThreads() {
  const all = new Set<Worker>();
  const idle: Worker[] = [];
  const end = async (thread: Worker) => {
    all.delete(thread);
    await thread.terminate();
  };
  return {
    hasRoom: () => idle.length > 0 || all.size < MAX_THREADS,
    async ask(question: Question, limitMs: number): Promise<Outcome> {
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
  // An idle thread does not keep the process alive. A thread that fails ends its job as `unchecked`, not the process.
  thread.unref();
  thread.on('error', () => {});
  return thread;
}

/** The limit does not include the time that a new thread takes to start. */
function askWithin(limitMs: number, thread: Worker, question: Question): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      thread.off('message', onMessage).off('exit', onExit);
      resolve(outcome);
    };
    const onExit = () => settle(UNCHECKED);
    const onMessage = (message: 'started' | Outcome) => {
      if (message !== 'started') return settle(message);
      clearTimeout(timer);
      timer = setTimeout(onExit, limitMs);
    };
    let timer = setTimeout(onExit, START_TIMEOUT_MS);
    thread.on('message', onMessage).on('exit', onExit);
    thread.postMessage(question);
  });
}
