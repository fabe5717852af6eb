import { type CpuByProgram, cpuByProgram, cpuForEach } from './cpu-by-program.ts';
import { type Load, type LoadRun, runLoad } from './load.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface MeasuredRun extends LoadRun {
  perSecond: number;
  /** Milliseconds of the worker process's CPU for each. */
  cpuMs: number;
  /** Of all programs, for each. Undefined where it can't be measured. */
  cpu: CpuByProgram | undefined;
  /** At the MCP servers for each, of any method. */
  requests: number;
}

/** What a load takes: of time, of a worker's CPU, and of requests at MCP servers. */
export async function measureRun(
  load: Load,
  of: {
    worker: Pick<WorkerProcess, 'cpuMs'>;
    /** All requests until now. */
    countRequests(): number;
    runOne(index: number): Promise<void>;
  },
): Promise<MeasuredRun> {
  const requestsBefore = of.countRequests();
  const allBefore = await cpuByProgram(of.worker);
  const cpuBefore = await of.worker.cpuMs();
  const run = await runLoad(load, of.runOne);
  const cpuAfter = await of.worker.cpuMs();
  const allAfter = await cpuByProgram(of.worker);
  return {
    ...run,
    perSecond: load.count / run.seconds,
    cpuMs: (cpuAfter - cpuBefore) / load.count,
    cpu: cpuForEach(allBefore, allAfter, load.count),
    requests: (of.countRequests() - requestsBefore) / load.count,
  };
}
