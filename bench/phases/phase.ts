import { raceTimeout } from '../../src/async/deadline.ts';
import type { BenchOptions } from '../options.ts';
import type { Plan } from '../plan.ts';
import type { SomeFigures } from '../report/figures.ts';
import type { WorkerProcess } from '../worker-process.ts';
import type { World } from '../world.ts';

/** A part of the benchmark, with workers and workflows of its own. */
export interface Phase {
  name: string;
  /** The short mode leaves it out, unless it is asked for by name. */
  fullOnly?: boolean;
  /** Both modes leave it out, unless it is asked for by name. */
  byName?: boolean;
  /** After this time the phase has failed. */
  limitMinutes: Record<BenchOptions['mode'], number>;
  run(phase: PhaseRun): Promise<SomeFigures>;
}

export interface PhaseRun {
  world: World;
  plan: Plan;
  /** Tells the reader how far it is. */
  say(line: string): void;
  /** Ends the worker with the phase, if the phase has not done so. */
  keep(worker: WorkerProcess): WorkerProcess;
}

/** @throws an error that names the phase */
export async function runPhase(
  phase: Phase,
  { mode, ...given }: Omit<PhaseRun, 'keep'> & Pick<BenchOptions, 'mode'>,
): Promise<SomeFigures> {
  const workers: WorkerProcess[] = [];
  const keep = (worker: WorkerProcess) => {
    workers.push(worker);
    return worker;
  };
  const minutes = phase.limitMinutes[mode];
  try {
    return await raceTimeout({ ms: minutes * 60_000 }, phase.run({ ...given, keep }), () => {
      throw new Error(`not done after ${minutes} minutes`);
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`phase ${phase.name} failed: ${reason}`, { cause });
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}
