import type { GrowingStatement } from '../growth/statements.ts';

/** One number of users or servers, with the same number of steps for each. */
export interface Spreading {
  /** Users, or servers. */
  count: number;
  perSecond: number;
  /** Milliseconds of the worker process for each step. */
  cpuMs: number;
  p50Ms: number;
  /** HTTP requests at the MCP servers for each step. */
  requests: number;
  /** The same two figures for the first step of each connection, which also opens a session. */
  first: { cpuMs: number; requests: number };
}

export interface Woken {
  /** As many as the plan wanted to wait. */
  planned: number;
  /** As many as waited: fewer, where the machine was too slow to pause all in the time that the plan allows. */
  waiters: number;
  /** Of them, those that completed in the time that the plan allows. */
  completed: number;
  /** From the deposit to the end of the last one that completed. */
  seconds: number;
  /** Seconds of the worker process, for all of them. */
  cpuSeconds: number;
}

/** One number of credentials. */
export interface TableSize {
  credentials: number;
  waiters: number;
  tableMiB: number;
  indexMiB: number;
}

/** What Temporal has of one workflow. */
export interface HistoryCost {
  events: number;
  bytes: number;
  stateTransitions: number;
}

/** How costs rise with the numbers of users, servers, credentials and waiting steps: a phase for each. */
export interface Growth {
  users?: Spreading[];
  /** Of a step that was not paused. */
  stepHistory?: HistoryCost;
  servers?: Spreading[];
  /** The figures of a statement are in the order of the sizes. */
  credentials?: { sizes: TableSize[]; statements: GrowingStatement[] };
  deposits?: Woken[];
  /** Of a step that was paused, and resumed by a deposit. */
  resumedStepHistory?: HistoryCost;
}
