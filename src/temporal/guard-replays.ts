/**
 * Prevents one workflow that can't be replayed in time from ending all workers in turn. After 5 s the SDK interrupts
 * workflow code, and Node before version 24 may then end the process ("async hook stack has become corrupted"). The
 * server gives the task to the next worker, which ends too.
 *
 * - Before the 5 s are over, a worker stores in the database which runs keep its workflow thread busy.
 * - Before a worker replays a run, it reads that table and fails the task of a stuck run without running its code.
 *   Temporal retries a failed task with growing delays.
 * - Before the first task of a run it only checks a copy of the table that is a few seconds old, because a query for each
 *   step would be too much. This is enough: the server gives the first task of a dead worker to another worker only
 *   after the task's time limit.
 *
 * @see https://github.com/nodejs/node/issues/38503
 * @see https://github.com/temporalio/sdk-typescript/issues/939
 */
import type { Worker } from '@temporalio/worker';
import { raceTimeout } from '../async/deadline.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { clearStuck, isQuarantined, listQuarantined, markStuck } from './stuck-run-store.ts';

/** Shorter than the SDK's 5 s, so that there is time to store the runs. */
const STUCK_AFTER_MS = 3_500;
const CHECK_INTERVAL_MS = 250;
/** A workflow task's limit is 10 s. The copy is read at least once between `STUCK_AFTER_MS` and that. */
const READ_INTERVAL_MS = 3_000;
const FIRST_READ_TIMEOUT_MS = 1_000;
const MAX_KNOWN_RUNS = 1_000;
/** The thread may be working on any task that it got until this long after its last answer. */
const SUSPECT_PERIOD_MS = 50;
const STUCK = 'a workflow keeps its thread busy';
const LEFT_ALONE = 'a workflow is left alone: no worker replays it in time';

interface GuardDependencies {
  db: Db;
  logger: Pick<Logger, 'error' | 'warn'>;
}

/** The part of the SDK's worker that creates workflows. It is not part of the SDK's public interface. */
interface WorkflowCreator {
  createWorkflow(options: { info: Run }): Promise<Workflow>;
}

interface Run {
  runId: string;
  workflowId: string;
  historyLength: number;
  unsafe: { isReplaying: boolean };
}

interface Workflow {
  activate(activation: unknown): Promise<{ failed?: unknown }>;
}

interface Task {
  run: Run;
  startedAt: number;
  /** Stores that the run is stuck. */
  marking?: Promise<void>;
}

/**
 * Installs the guard. Must be called before the worker runs. Only logs a warning if the SDK creates workflows in another
 * way.
 *
 * @returns a function that stops the guard
 */
export function guardReplays(worker: Worker, deps: GuardDependencies): () => void {
  const creator = creatorOf(worker);
  if (creator === undefined) {
    deps.logger.warn("stuck workflows can't be detected with this version of the Temporal SDK");
    return () => {};
  }
  const thread = new WorkflowThread(deps);
  const known = new KnownStuckRuns(deps.db);
  const create = creator.createWorkflow.bind(creator);
  creator.createWorkflow = async (options) => {
    if (options.info.unsafe.isReplaying || (await known.has(options.info.runId))) {
      await refuseStuck(deps, options.info);
    }
    return thread.watch(await create(options), options.info);
  };
  return () => {
    thread.stop();
    known.stop();
  };
}

function creatorOf(worker: Worker): WorkflowCreator | undefined {
  // The cast gives access to a private member of the SDK, whose form is checked below.
  const { workflowCreator } = worker as unknown as { workflowCreator?: WorkflowCreator };
  return typeof workflowCreator?.createWorkflow === 'function' ? workflowCreator : undefined;
}

// If the database is unavailable, the run is replayed.
async function refuseStuck({ db, logger }: GuardDependencies, run: Run): Promise<void> {
  if (!(await isQuarantined(db, run.runId).catch(() => false))) return;
  const { runId, workflowId, historyLength } = run;
  logger.error({ workflowId, runId, historyLength }, LEFT_ALONE);
  throw new Error('No worker could replay this run in time. It is not replayed for a while.');
}

/** A copy of the list of runs that must not be replayed, at most a few seconds old. */
class KnownStuckRuns {
  readonly #db: Db;
  readonly #reads: NodeJS.Timeout;
  #latest: Promise<ReadonlySet<string>>;
  #isReading = false;

  constructor(db: Db) {
    this.#db = db;
    // A database that does not answer at the start delays the first tasks by no more than this.
    const none: ReadonlySet<string> = new Set();
    this.#latest = raceTimeout({ ms: FIRST_READ_TIMEOUT_MS, ref: false }, this.#read(none), () => none);
    this.#reads = setInterval(() => this.#readAgain(), READ_INTERVAL_MS);
    this.#reads.unref();
  }

  async has(runId: string): Promise<boolean> {
    return (await this.#latest).has(runId);
  }

  stop(): void {
    clearInterval(this.#reads);
  }

  // The previous copy stays in use during the read, so that a slow database delays no step.
  async #readAgain(): Promise<void> {
    // A slow read must not overwrite a later one.
    if (this.#isReading) return;
    this.#isReading = true;
    const known = await this.#read(await this.#latest);
    this.#latest = Promise.resolve(known);
    this.#isReading = false;
  }

  #read(previous: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    return listQuarantined(this.#db, MAX_KNOWN_RUNS).then(
      (runIds) => new Set(runIds),
      () => previous,
    );
  }
}

/** Watches the tasks that the thread for workflow code has not answered yet. */
class WorkflowThread {
  readonly #tasks = new Set<Task>();
  readonly #deps: GuardDependencies;
  readonly #checks: NodeJS.Timeout;
  #answeredAt = 0;

  constructor(deps: GuardDependencies) {
    this.#deps = deps;
    this.#checks = setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    this.#checks.unref();
  }

  watch(workflow: Workflow, run: Run): Workflow {
    const activate = workflow.activate.bind(workflow);
    workflow.activate = async (activation) => {
      const task: Task = { run, startedAt: performance.now() };
      this.#tasks.add(task);
      try {
        const completion = await activate(activation);
        if (task.marking && !completion.failed) void task.marking.then(() => this.#clear(task));
        return completion;
      } finally {
        this.#tasks.delete(task);
        this.#answeredAt = performance.now();
      }
    };
    return workflow;
  }

  stop(): void {
    clearInterval(this.#checks);
  }

  #check(): void {
    const [oldest] = this.#tasks;
    if (oldest === undefined) return;
    const silentSince = Math.max(oldest.startedAt, this.#answeredAt);
    if (performance.now() - silentSince < STUCK_AFTER_MS) return;
    const suspects = [...this.#tasks].filter(
      ({ startedAt, marking }) => !marking && startedAt <= silentSince + SUSPECT_PERIOD_MS,
    );
    if (suspects.length === 0) return;
    const marking = this.#mark(suspects.map(({ run }) => run));
    for (const suspect of suspects) suspect.marking = marking;
  }

  async #mark(runs: Run[]): Promise<void> {
    const { db, logger } = this.#deps;
    for (const { workflowId, runId, historyLength } of runs) {
      logger.warn({ workflowId, runId, historyLength }, STUCK);
    }
    const runIds = runs.map(({ runId }) => runId);
    await markStuck(db, runIds).catch((error: unknown) =>
      logger.warn({ err: error }, 'a stuck workflow could not be stored'),
    );
  }

  async #clear({ run }: Task): Promise<void> {
    await clearStuck(this.#deps.db, run.runId).catch((error: unknown) =>
      this.#deps.logger.warn({ err: error }, 'a workflow that is no longer stuck could not be cleared'),
    );
  }
}
