import type { Worker } from '@temporalio/worker';
import type { Db } from './db/pool.ts';
import type { Logger } from './logger.ts';
import { clearStuck, findLeftAlone, isToBeLeftAlone, markStuck } from './steps/stuck-run-store.ts';

/**
 * Keeps one workflow that no worker can replay in time from ending all of them. After 5 s the SDK interrupts
 * workflow code, and Node before version 24 may then end the process ("async hook stack has become corrupted"). The
 * server gives the task to the next worker, which ends too.
 *
 * So a worker writes down, in the database and before that time is over, which run keeps its workflow thread from
 * answering. A worker that is to replay a run looks there first, and fails the task of such a run without running
 * any of its code. Temporal tries a task that fails again ever more seldom. Before the first task of a run it looks at
 * what it has read there within the last seconds: a query for each step would be too much, and the server gives the
 * first task of a dead worker to another one only after the task's time limit.
 *
 * @see https://github.com/nodejs/node/issues/38503
 * @see https://github.com/temporalio/sdk-typescript/issues/939
 */

/** Before the SDK's 5 s, with time left to write it down. */
const STUCK_AFTER_MS = 3_500;
const LOOK_EVERY_MS = 250;
/** Less than a workflow task's 10 s without the 3.5 s above. */
const READ_EVERY_MS = 3_000;
/** Of runs to be left alone in their first task. */
const MAX_KNOWN = 1_000;
/** What was handed to the thread so soon after it last answered may be what it works on. */
const SUSPECT_WITHIN_MS = 50;
const STUCK = 'a workflow keeps its thread busy';
const LEFT_ALONE = 'a workflow is left alone: no worker replays it in time';

interface GuardDependencies {
  db: Db;
  logger: Pick<Logger, 'error' | 'warn'>;
}

/** What the SDK's worker makes workflows with. It is not part of the SDK's public interface. */
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
  begunAt: number;
  /** It is being written down, or has been. */
  marking?: Promise<void>;
}

/**
 * To be called before the worker runs. An SDK that makes workflows in another way is left as it is.
 *
 * @returns what ends the guard
 */
export function guardReplays(worker: Worker, deps: GuardDependencies): () => void {
  const creator = creatorOf(worker);
  if (creator === undefined) {
    deps.logger.warn('this version of the Temporal SDK can not be kept from workflows that are stuck');
    return () => {};
  }
  const thread = new WorkflowThread(deps);
  const known = new KnownStuckRuns(deps.db);
  const create = creator.createWorkflow.bind(creator);
  creator.createWorkflow = async (options) => {
    if (options.info.unsafe.isReplaying || (await known.have(options.info.runId))) {
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
  // The cast reaches behind the SDK's public interface; what is there is looked at.
  const { workflowCreator } = worker as unknown as { workflowCreator?: WorkflowCreator };
  return typeof workflowCreator?.createWorkflow === 'function' ? workflowCreator : undefined;
}

// A database that is away must not keep steps from being replayed.
async function refuseStuck({ db, logger }: GuardDependencies, run: Run): Promise<void> {
  if (!(await isToBeLeftAlone(db, run.runId).catch(() => false))) return;
  const { runId, workflowId, historyLength } = run;
  logger.error({ workflowId, runId, historyLength }, LEFT_ALONE);
  throw new Error('No worker has replayed this run in time: it is left alone for a while.');
}

/** What was written down of runs that are to be left alone, as of a few seconds ago. */
class KnownStuckRuns {
  readonly #db: Db;
  readonly #reads: NodeJS.Timeout;
  #latest: Promise<ReadonlySet<string>>;

  constructor(db: Db) {
    this.#db = db;
    this.#latest = this.#read(new Set());
    this.#reads = setInterval(() => this.#readAgain(), READ_EVERY_MS);
    this.#reads.unref();
  }

  async have(runId: string): Promise<boolean> {
    return (await this.#latest).has(runId);
  }

  stop(): void {
    clearInterval(this.#reads);
  }

  // A database that is slow delays no step: what is known serves until it has answered.
  async #readAgain(): Promise<void> {
    const known = await this.#read(await this.#latest);
    this.#latest = Promise.resolve(known);
  }

  #read(otherwise: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    return findLeftAlone(this.#db, MAX_KNOWN).then(
      (runIds) => new Set(runIds),
      () => otherwise,
    );
  }
}

/** What the thread that runs workflow code was asked to do and has not answered yet. */
class WorkflowThread {
  readonly #tasks = new Set<Task>();
  readonly #deps: GuardDependencies;
  readonly #looks: NodeJS.Timeout;
  #answeredAt = 0;

  constructor(deps: GuardDependencies) {
    this.#deps = deps;
    this.#looks = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#looks.unref();
  }

  watch(workflow: Workflow, run: Run): Workflow {
    const activate = workflow.activate.bind(workflow);
    workflow.activate = async (activation) => {
      const task: Task = { run, begunAt: performance.now() };
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
    clearInterval(this.#looks);
  }

  #look(): void {
    const [oldest] = this.#tasks;
    if (oldest === undefined) return;
    const silentSince = Math.max(oldest.begunAt, this.#answeredAt);
    if (performance.now() - silentSince < STUCK_AFTER_MS) return;
    const suspects = [...this.#tasks].filter(
      ({ begunAt, marking }) => !marking && begunAt <= silentSince + SUSPECT_WITHIN_MS,
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
      logger.warn({ err: error }, 'a workflow that is stuck could not be written down'),
    );
  }

  async #clear({ run }: Task): Promise<void> {
    await clearStuck(this.#deps.db, run.runId).catch((error: unknown) =>
      this.#deps.logger.warn({ err: error }, 'a workflow that was stuck could not be cleared'),
    );
  }
}
