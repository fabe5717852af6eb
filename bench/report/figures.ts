import { z } from 'zod';
import type { Growth } from './growth-figures.ts';

const figure = z.number().nonnegative();
const count = z.int().nonnegative();
const spread = z.strictObject({ median: figure, min: figure, max: figure });

const cpuOfPrograms = z.strictObject({
  worker: figure,
  temporal: figure,
  postgres: figure,
  benchmark: figure,
});
const cpuOfBoth = z.strictObject({ step: cpuOfPrograms, bare: cpuOfPrograms });

const latencyMs = z.strictObject({ p50: figure, p95: figure });

/** The figures that the benchmark promises by name, and others rely on. */
export const promisedFigures = {
  /** Steps and bare workflows a second, at concurrency 50. */
  stepThroughput: figure,
  bareThroughput: figure,
  throughputRatio: figure,
  /** From the start to the result, at concurrency 1. */
  stepLatencyMs: latencyMs,
  bareLatencyMs: latencyMs,
  /** CPU milliseconds of the worker process for each, in the throughput runs. */
  stepCpuMs: figure,
  bareCpuMs: figure,
  cpuRatio: figure,
  /** Memory of the worker process for each paused workflow in its cache. */
  workflowKiB: figure,
  bareWorkflowKiB: figure,
  /** Events in the history of one successful step. */
  historyEventsHappyPath: count,
  /** HTTP requests at the MCP server for each successful step, in warm sessions. */
  requestsPerCall: figure,
  /** Grants that the authorization server issued while all steps met one expired token. */
  stampede: z.strictObject({ steps: count, workerProcesses: count, grants: count, seconds: figure }),
  /** From a deposit to the end of all steps that waited for it, against a loop that signals bare workflows. */
  resume: z.strictObject({ waiters: count, seconds: figure, rawSignalSeconds: figure, ratio: figure }),
  paused: z.strictObject({
    steps: count,
    maxCachedWorkflows: count,
    workerRssMiB: figure,
    databaseBytesPerStep: figure,
  }),
};

/** What the plots show, and how far the runs of one figure lie apart. */
const details = {
  spread: z.strictObject({
    stepThroughput: spread,
    bareThroughput: spread,
    stepCpuMs: spread,
    bareCpuMs: spread,
    workflowKiB: spread,
    bareWorkflowKiB: spread,
    resumeSeconds: spread,
    rawSignalSeconds: spread,
  }),
  /** The part of the memory that is in the heaps of its threads: it varies less from run to run. */
  workflowHeapKiB: figure,
  bareWorkflowHeapKiB: figure,
  /** 1 shows that the comparison is fair. */
  bareRequestsPerCall: figure,
  /**
   * CPU milliseconds for each at concurrency 50: of all but Latchkey's API, which takes deposits. `benchmark` are the client that
   * starts them, the MCP server and the authorization server. Of Linux only.
   */
  cpuByProgram: cpuOfBoth.optional(),
  /** The same in `resume`. */
  resumeCpu: cpuOfBoth.optional(),
  throughputCurve: z.array(z.strictObject({ concurrency: count, step: figure, bare: figure })),
  resumeCurve: z.array(
    z.strictObject({
      maxCachedWorkflows: count,
      waiters: count,
      seconds: figure,
      rawSignalSeconds: figure,
    }),
  ),
  pausedCurve: z.array(z.strictObject({ steps: count, workerRssMiB: figure, databaseMiB: figure })),
  /** Other ways to write the bare workflow. Of the full mode only. */
  variants: z
    .strictObject({
      eachCall: z.array(
        z.strictObject({
          variant: z.enum(['connectEachCall', 'refreshEachCall']),
          perSecond: figure,
          cpuMs: figure,
          requestsPerCall: figure,
          tokenRequestsPerCall: figure,
        }),
      ),
      /** The stampede with a mutex in each process and no lease. `refused`: refreshes, `failed`: workflows. */
      sharedMutex: z.strictObject({
        workflows: count,
        workerProcesses: count,
        grants: count,
        refused: count,
        failed: count,
      }),
      /** `seconds` from the grant to the end of all. The others are for each waiter. */
      polling: z.strictObject({
        waiters: count,
        everySeconds: figure,
        seconds: figure,
        eventsPerWaitingHour: count,
        cpuMsPerWaitingHour: count,
      }),
    })
    .optional(),
  /** What the Temporal dev server's file grows by for each paused step. */
  temporalBytesPerStep: figure,
};

const figures = z.strictObject({ ...promisedFigures, ...details });

export type Figures = z.infer<typeof figures>;

/** What one phase finds out. */
export type SomeFigures = Partial<Omit<Figures, 'spread'>> & {
  spread?: Partial<Figures['spread']>;
  /** Of a run with `--growth`. */
  growth?: Growth;
};

const about = {
  mode: z.enum(['full', 'quick']),
  at: z.iso.datetime(),
  machine: z.strictObject({
    cores: count,
    cpu: z.string(),
    memoryGiB: figure,
    platform: z.string(),
    node: z.string(),
    temporal: z.string(),
    postgres: z.string(),
    /** Of the minute before the run, in which `npm run bench` has built the project. */
    loadBefore: figure,
  }),
  seconds: z.record(z.string(), figure),
};

/** The object that `npm run bench -- --json` prints. */
export const reportSchema = z.strictObject({ ...about, ...promisedFigures, ...details });

export type Report = z.infer<typeof reportSchema>;
export type About = Pick<Report, keyof typeof about>;

/** Of a run with `--phase`. */
export type PartialReport = About & SomeFigures;
