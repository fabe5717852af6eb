import type { Contender } from '../contenders.ts';
import { type MeasuredRun, measureRun } from '../measured-run.ts';
import { CONCURRENCY } from '../plan.ts';
import type { Spreading } from '../report/growth-figures.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';

/** What the steps of a run are spread over. */
export interface Target {
  userId: string;
  contender: Pick<Contender, 'runOne'>;
}

/** Targets of one number of users or servers. */
export interface Spread {
  count: number;
  targets: Target[];
}

/**
 * First one step for each target, which opens its session; then runs of the same number of steps for each spread, in
 * turn, so that what slows the machine for a while slows all.
 */
export async function measureSpreads(
  spreads: readonly Spread[],
  load: { runs: number; steps: number },
  given: { worker: WorkerProcess; countRequests(): number; say(line: string): void },
): Promise<Spreading[]> {
  const run = (targets: readonly Target[], count: number, from: number) =>
    measureRun(
      { count, concurrency: CONCURRENCY },
      { ...given, runOne: (index) => runOne(targets, from + index) },
    );
  const firsts: MeasuredRun[] = [];
  for (const { targets } of spreads) firsts.push(await run(targets, targets.length, 0));
  given.say('all sessions are open');
  const runs: MeasuredRun[][] = spreads.map(() => []);
  for (let time = 0; time < load.runs; time += 1) {
    for (const [index, { count, targets }] of spreads.entries()) {
      const measured = await run(targets, load.steps, time * load.steps);
      runs[index]?.push(measured);
      given.say(`${count}: ${measured.cpuMs.toFixed(1)} ms, ${measured.perSecond.toFixed(1)} a second`);
    }
  }
  return spreads.map(({ count }, index) => spreadingOf(count, firsts[index], runs[index] ?? []));
}

function runOne(targets: readonly Target[], index: number): Promise<void> {
  const target = targets[index % targets.length];
  if (target === undefined) throw new Error('steps without a target');
  return target.contender.runOne(target.userId);
}

/** Medians over the runs. */
export function spreadingOf(
  count: number,
  first: MeasuredRun | undefined,
  runs: readonly MeasuredRun[],
): Spreading {
  if (first === undefined) throw new Error('the first steps were not measured');
  const medianOf = (of: (run: MeasuredRun) => number) => rounded(median(runs.map(of)), 2);
  return {
    count,
    perSecond: medianOf(({ perSecond }) => perSecond),
    cpuMs: medianOf(({ cpuMs }) => cpuMs),
    p50Ms: medianOf(({ latenciesMs }) => percentile(latenciesMs, 50)),
    requests: medianOf(({ requests }) => requests),
    first: { cpuMs: rounded(first.cpuMs, 2), requests: rounded(first.requests, 2) },
  };
}
