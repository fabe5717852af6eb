import type { SomeFigures } from './figures.ts';

/** One line of the readable report: steps beside bare workflows, where there is something to compare. */
export type Row = [what: string, step: string, bare: string];

export function rowsOf(figures: SomeFigures): Row[] {
  const { spread = {}, stampede, resume, paused } = figures;
  const rows: (Row | undefined)[] = [
    compared('a second, at concurrency 50', spread.stepThroughput, spread.bareThroughput),
    compared("CPU of the worker's process for each, ms", spread.stepCpuMs, spread.bareCpuMs),
    ...programRows('for each', figures.cpuByProgram),
    latency('p50', figures),
    latency('p95', figures),
    compared('memory for each that is paused and cached, KiB', spread.workflowKiB, spread.bareWorkflowKiB),
    row('of that, in the heaps of its threads, KiB', figures.workflowHeapKiB, figures.bareWorkflowHeapKiB),
    row('events in the history', figures.historyEventsHappyPath),
    row('HTTP requests at the MCP server for each', figures.requestsPerCall, figures.bareRequestsPerCall),
    stampede && [
      `token grants for ${stampede.steps} steps with one expired token, ${stampede.workerProcesses} worker processes`,
      `${stampede.grants} (${stampede.seconds} s)`,
      '',
    ],
    resume &&
      compared(
        `from one deposit to the end of ${resume.waiters} waiters, s`,
        spread.resumeSeconds,
        spread.rawSignalSeconds,
      ),
    ...programRows('for each that resumes', figures.resumeCpu),
    paused &&
      row(
        `worker with ${paused.steps} paused steps, cache of ${paused.maxCachedWorkflows}, MiB`,
        paused.workerRssMiB,
      ),
    paused && row("Latchkey's tables for each paused step, bytes", paused.databaseBytesPerStep),
    row("Temporal dev server's file for each paused step, bytes", figures.temporalBytesPerStep),
  ];
  return rows.flatMap((one) => (one === undefined ? [] : [one]));
}

function programRows(when: string, both: SomeFigures['cpuByProgram']): (Row | undefined)[] {
  if (both === undefined) return [];
  const { step, bare } = both;
  const total = ({ worker, temporal, postgres, benchmark }: typeof step) =>
    worker + temporal + postgres + benchmark;
  return [
    row(`CPU ${when}, ms: the worker`, step.worker, bare.worker),
    row(`CPU ${when}, ms: Temporal's dev server`, step.temporal, bare.temporal),
    row(`CPU ${when}, ms: Postgres`, step.postgres, bare.postgres),
    row(`CPU ${when}, ms: client, MCP and authorization server`, step.benchmark, bare.benchmark),
    row(`CPU ${when}, ms: these together`, total(step), total(bare)),
  ];
}

type Spread = NonNullable<NonNullable<SomeFigures['spread']>['stepCpuMs']>;

function compared(what: string, step: Spread | undefined, bare: Spread | undefined): Row | undefined {
  return step && bare && [what, spreadText(step), spreadText(bare)];
}

function spreadText({ median, min, max }: Spread): string {
  return min === max ? `${median}` : `${median} (${min}–${max})`;
}

function latency(name: 'p50' | 'p95', { stepLatencyMs, bareLatencyMs }: SomeFigures): Row | undefined {
  return row(`latency at concurrency 1, ${name}, ms`, stepLatencyMs?.[name], bareLatencyMs?.[name]);
}

function row(what: string, step: number | undefined, bare?: number): Row | undefined {
  return step === undefined
    ? undefined
    : [what, figureText(step), bare === undefined ? '' : figureText(bare)];
}

function figureText(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 });
}

/** What the other ways to write the bare workflow came to, one sentence each. */
export function variantRows({ variants }: SomeFigures): [way: string, cost: string][] {
  if (variants === undefined) return [];
  const { eachCall, sharedMutex, polling } = variants;
  return [
    ...eachCall.map((one): [string, string] => [
      WAYS[one.variant],
      `${one.perSecond} a second, ${one.cpuMs} ms of CPU and ${one.requestsPerCall} MCP requests each, ${one.tokenRequestsPerCall} token requests each`,
    ]),
    [
      `a mutex in each of ${sharedMutex.workerProcesses} processes, no lease; ${sharedMutex.workflows} workflows meet one expired token`,
      `grants: ${sharedMutex.grants}, refused refreshes: ${sharedMutex.refused}, failed workflows: ${sharedMutex.failed}`,
    ],
    [
      `${polling.waiters} waiters look for the token every ${polling.everySeconds} s`,
      `${polling.seconds} s from the grant to the end of all; ${polling.eventsPerWaitingHour} events and ${polling.cpuMsPerWaitingHour} ms of CPU for each waiter and hour`,
    ],
  ];
}

const WAYS = {
  connectEachCall: 'a session for each call',
  refreshEachCall: 'a refresh before each call',
};
