import type { ContenderName } from '../contenders.ts';
import { type Paused, pausedBare, pausedSteps } from '../paused.ts';
import { median, rounded, spreadOf } from '../statistics.ts';
import type { WorkerMemory, WorkerProcess } from '../worker-process.ts';
import type { Phase, PhaseRun } from './phase.ts';

/** Workflows that are cached and not measured, such as the schedule's. */
const ROOM = 100;

/**
 * What a paused workflow costs in a worker's cache: a process for each measurement, in which all that are paused fit the
 * cache. What the first ones cost is not theirs: code is compiled, pools fill.
 */
export const memory: Phase = {
  name: 'memory',
  limitMinutes: { quick: 10, full: 15 },
  async run(phase) {
    const costs: Record<ContenderName, Cost[]> = { step: [], bare: [] };
    for (let run = 0; run < phase.plan.memory.runs; run += 1) {
      const bare = await measureBare(phase);
      const step = await measureSteps(phase, `memory-${run}-`);
      costs.bare.push(bare);
      costs.step.push(step);
      phase.say(`${bare.rssKiB} KiB for each bare workflow, ${step.rssKiB} KiB for each step`);
    }
    const spread = {
      workflowKiB: spreadOfKiB(costs.step),
      bareWorkflowKiB: spreadOfKiB(costs.bare),
    };
    return {
      workflowKiB: spread.workflowKiB.median,
      bareWorkflowKiB: spread.bareWorkflowKiB.median,
      workflowHeapKiB: rounded(median(costs.step.map(({ heapKiB }) => heapKiB)), 1),
      bareWorkflowHeapKiB: rounded(median(costs.bare.map(({ heapKiB }) => heapKiB)), 1),
      spread,
    };
  },
};

/** Of one workflow. */
interface Cost {
  rssKiB: number;
  heapKiB: number;
}

function spreadOfKiB(costs: Cost[]) {
  const { median: middle, min, max } = spreadOf(costs.map(({ rssKiB }) => rssKiB));
  return { median: rounded(middle, 1), min, max };
}

async function measureBare(phase: PhaseRun): Promise<Cost> {
  const worker = phase.keep(await phase.world.startBareWorker({}, cacheOf(phase)));
  return measure(phase, worker, pausedBare(phase.world, 'user-0'));
}

async function measureSteps(phase: PhaseRun, prefix: string): Promise<Cost> {
  const worker = phase.keep(await phase.world.startStepWorker(cacheOf(phase)));
  return measure(phase, worker, pausedSteps(phase.world, prefix, 10));
}

function cacheOf({ plan }: PhaseRun) {
  return { maxCachedWorkflows: plan.memory.warm + plan.memory.count + ROOM };
}

async function measure({ plan }: PhaseRun, worker: WorkerProcess, paused: Paused): Promise<Cost> {
  await paused.pause(plan.memory.warm);
  const before = await worker.memory();
  await paused.pause(plan.memory.count);
  const after = await worker.memory();
  await paused.end();
  await worker.stop();
  const each = (of: keyof WorkerMemory) =>
    rounded(Math.max(after[of] - before[of], 0) / plan.memory.count / 1024, 1);
  const heapKiB = each('heap');
  // Of few workflows, the heaps may fit into memory that the process had before.
  return { rssKiB: Math.max(each('rss'), heapKiB), heapKiB };
}
