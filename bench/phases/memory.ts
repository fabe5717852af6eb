import type { ContenderName } from '../contenders.ts';
import { type Paused, pausedBare, pausedSteps } from '../paused.ts';
import { rounded, spreadOf } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';
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
    const kiB: Record<ContenderName, number[]> = { step: [], bare: [] };
    for (let run = 0; run < phase.plan.memory.runs; run += 1) {
      kiB.bare.push(await measureBare(phase));
      kiB.step.push(await measureSteps(phase, `memory-${run}-`));
      phase.say(`${kiB.bare.at(-1)} KiB for each bare workflow, ${kiB.step.at(-1)} KiB for each step`);
    }
    const spread = { workflowKiB: spreadOf(kiB.step), bareWorkflowKiB: spreadOf(kiB.bare) };
    return {
      workflowKiB: spread.workflowKiB.median,
      bareWorkflowKiB: spread.bareWorkflowKiB.median,
      spread,
    };
  },
};

async function measureBare(phase: PhaseRun): Promise<number> {
  const worker = phase.keep(await phase.world.startBareWorker({}, cacheOf(phase)));
  return measure(phase, worker, pausedBare(phase.world, 'user-0'));
}

async function measureSteps(phase: PhaseRun, prefix: string): Promise<number> {
  const worker = phase.keep(await phase.world.startStepWorker(cacheOf(phase)));
  return measure(phase, worker, pausedSteps(phase.world, prefix, 10));
}

function cacheOf({ plan }: PhaseRun) {
  return { maxCachedWorkflows: plan.memory.warm + plan.memory.count + ROOM };
}

async function measure({ plan }: PhaseRun, worker: WorkerProcess, paused: Paused): Promise<number> {
  await paused.pause(plan.memory.warm);
  const before = await worker.rssBytes();
  await paused.pause(plan.memory.count);
  const after = await worker.rssBytes();
  await paused.end();
  await worker.stop();
  return rounded(Math.max(after - before, 0) / plan.memory.count / 1024, 1);
}
