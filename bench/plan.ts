/** How much of everything a run measures. */
export interface Plan {
  /** Users take turns, so that no user's share of a worker's calls limits a run. */
  users: number;
  /** The pairs of runs at each number of concurrent steps. */
  throughput: { concurrency: number; runs: number; count: number }[];
  latency: { runs: number; count: number };
  /** Before each measurement of speed. */
  warmUp: number;
  /** `warm` are paused before the first measurement, `count` between the first and the second. */
  memory: { runs: number; warm: number; count: number };
  stampede: { steps: number; workerProcesses: number };
  resume: {
    /**
     * Between the last pause and the deposit: Temporal's timers for the activities before the pause fire meanwhile, at
     * the latest after 30 s. A pause for a person is longer.
     */
    settleSeconds: number;
    /** The last one is what the figure `resume` is about. `runs` are pairs. */
    points: { maxCachedWorkflows: number; waiters: number; runs: number }[];
  };
  /** The numbers of paused steps at which memory and database are measured. */
  paused: { maxCachedWorkflows: number; samples: number[] };
  variants: {
    eachCall: { runs: number; count: number };
    polling: { waiters: number; everySeconds: number; watchSeconds: number };
  };
  growth: Growth;
}

/** What the phases of `--growth` measure. */
interface Growth {
  /** `steps` are the same for each number of users, or of servers. */
  users: { users: number[]; runs: number; steps: number };
  /** Each of the users is connected to each of the servers. */
  servers: { servers: number[]; users: number; runs: number; steps: number };
  /** Rows of the table, rising. */
  credentials: number[];
  deposits: {
    waiters: number[];
    maxCachedWorkflows: number;
    /** Then no more steps are started: a slow machine has fewer that wait. */
    pauseSeconds: number;
    /** Then those that have completed are counted. */
    resumeSeconds: number;
  };
}

/** What the contract calls concurrency 50 and 1,000 waiters. */
export const CONCURRENCY = 50;

export const QUICK: Plan = {
  users: 10,
  throughput: [{ concurrency: CONCURRENCY, runs: 2, count: 100 }],
  latency: { runs: 2, count: 15 },
  warmUp: 60,
  memory: { runs: 1, warm: 50, count: 100 },
  stampede: { steps: 100, workerProcesses: 4 },
  resume: { settleSeconds: 0, points: [{ maxCachedWorkflows: 2_000, waiters: 50, runs: 1 }] },
  paused: { maxCachedWorkflows: 30, samples: [30, 100] },
  variants: {
    eachCall: { runs: 1, count: 50 },
    polling: { waiters: 20, everySeconds: 2, watchSeconds: 6 },
  },
  growth: {
    users: { users: [1, 5], runs: 1, steps: 50 },
    servers: { servers: [1, 3], users: 2, runs: 1, steps: 50 },
    credentials: [3_000, 10_000],
    deposits: { waiters: [1, 20], maxCachedWorkflows: 2_000, pauseSeconds: 60, resumeSeconds: 60 },
  },
};

export const FULL: Plan = {
  users: 10,
  throughput: [
    { concurrency: 1, runs: 1, count: 60 },
    { concurrency: 10, runs: 1, count: 200 },
    { concurrency: 25, runs: 1, count: 300 },
    { concurrency: CONCURRENCY, runs: 15, count: 300 },
    { concurrency: 100, runs: 1, count: 300 },
  ],
  latency: { runs: 3, count: 60 },
  warmUp: 200,
  memory: { runs: 2, warm: 200, count: 600 },
  stampede: { steps: 1_000, workerProcesses: 4 },
  resume: {
    settleSeconds: 35,
    points: [
      ...[125, 500].map((waiters) => ({ maxCachedWorkflows: 100, waiters, runs: 1 })),
      ...[250, 500].map((waiters) => ({ maxCachedWorkflows: 2_000, waiters, runs: 1 })),
      { maxCachedWorkflows: 2_000, waiters: 1_000, runs: 3 },
    ],
  },
  paused: { maxCachedWorkflows: 500, samples: [500, 1_000, 2_500, 5_000, 10_000] },
  variants: {
    eachCall: { runs: 2, count: 200 },
    polling: { waiters: 200, everySeconds: 10, watchSeconds: 30 },
  },
  growth: {
    users: { users: [1, 10, 1_000], runs: 2, steps: 100 },
    servers: { servers: [1, 10, 100], users: 2, runs: 2, steps: 100 },
    credentials: [100_000, 1_000_000],
    deposits: {
      waiters: [1, 1_000, 10_000],
      maxCachedWorkflows: 2_000,
      pauseSeconds: 700,
      resumeSeconds: 480,
    },
  },
};
