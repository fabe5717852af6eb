import { LOOK_FOR_ENDS_EVERY_MS, untilCount } from '../executions.ts';
import { historyCostOf } from '../growth/history-cost.ts';
import { type Paused, pausedSteps } from '../paused.ts';
import type { Plan } from '../plan.ts';
import type { HistoryCost, Woken } from '../report/growth-figures.ts';
import { rounded } from '../statistics.ts';
import type { World } from '../world.ts';
import type { Phase, PhaseRun } from './phase.ts';

const BATCH = 250;

/** From one deposit to the end of all steps that waited for it, and the CPU of the worker that wakes and runs them. */
export const deposits: Phase = {
  name: 'deposits',
  byName: true,
  limitMinutes: { quick: 10, full: 60 },
  async run(phase) {
    const { waiters: counts, ...plan } = phase.plan.growth.deposits;
    const woken: Woken[] = [];
    let resumedStepHistory: HistoryCost | undefined;
    for (const waiters of counts) {
      const { workflowId, ...one } = await wake(phase, { ...plan, waiters });
      resumedStepHistory ??= await historyCostOf(phase.world.client, workflowId);
      woken.push(one);
      phase.say(`${one.completed} completed after ${one.seconds} s, ${one.cpuSeconds} s of CPU`);
    }
    return { growth: { deposits: woken, ...(resumedStepHistory && { resumedStepHistory }) } };
  },
};

type Wake = Omit<Plan['growth']['deposits'], 'waiters'> & { waiters: number };

async function wake({ world, keep, say }: PhaseRun, plan: Wake) {
  const prefix = `deposit-${plan.waiters}-`;
  const worker = keep(await world.startStepWorker({ maxCachedWorkflows: plan.maxCachedWorkflows }));
  const paused = pausedSteps(world, prefix, 1);
  await pauseInTime(paused, plan);
  const waiters = paused.workflowIds.length;
  say(`${waiters} of ${plan.waiters} steps wait`);
  const { deposit } = await world.users.consent(`${prefix}0`);
  const cpuBefore = await worker.cpuMs();
  const startedAt = Date.now();
  const resuming = await deposit();
  if (resuming !== waiters) throw new Error(`the deposit resumes ${resuming} of ${waiters} steps`);
  const completed = `${paused.query} AND ExecutionStatus = "Completed"`;
  const deadline = startedAt + plan.resumeSeconds * 1_000;
  const isOver = (count: number) => count >= waiters || Date.now() > deadline;
  await untilCount(world.client, completed, isOver, LOOK_FOR_ENDS_EVERY_MS);
  const cpuSeconds = rounded(((await worker.cpuMs()) - cpuBefore) / 1_000, 2);
  const ends = await endsOf(world, completed);
  await worker.stop();
  await paused.end();
  const [workflowId = ''] = paused.workflowIds;
  const seconds = rounded((Math.max(...ends, startedAt) - startedAt) / 1_000, 2);
  return { workflowId, planned: plan.waiters, waiters, completed: ends.length, seconds, cpuSeconds };
}

async function pauseInTime(paused: Paused, { waiters, pauseSeconds }: Wake): Promise<void> {
  const deadline = Date.now() + pauseSeconds * 1_000;
  while (paused.workflowIds.length < waiters && Date.now() < deadline) {
    await paused.pause(Math.min(BATCH, waiters - paused.workflowIds.length));
  }
}

/** Milliseconds since the epoch. */
async function endsOf({ client }: World, query: string): Promise<number[]> {
  const ends: number[] = [];
  for await (const { closeTime } of client.workflow.list({ query, pageSize: 1_000 })) {
    if (closeTime !== undefined) ends.push(closeTime.getTime());
  }
  return ends;
}
