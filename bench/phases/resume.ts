import { setTimeout as delay } from 'node:timers/promises';
import { type ContenderName, inTurn } from '../contenders.ts';
import { type CpuByProgram, cpuByProgram, cpuForEach } from '../cpu-by-program.ts';
import { untilAllCompleted } from '../executions.ts';
import { RELEASE } from '../names.ts';
import { type Paused, pausedBare, pausedSteps } from '../paused.ts';
import type { Plan } from '../plan.ts';
import type { Figures } from '../report/figures.ts';
import { median, rounded, type Spread, spreadOf } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import type { Phase, PhaseRun } from './phase.ts';

const BARE_USER = 'resume-bare';

/** From one deposit to the end of all steps that waited for it, and from the first signal to the end of bare ones. */
export const resume: Phase = {
  name: 'resume',
  limitMinutes: { quick: 10, full: 50 },
  async run(phase) {
    const token = await phase.world.users.connect(BARE_USER);
    const curve: Figures['resumeCurve'] = [];
    let last: Compared | undefined;
    for (const point of phase.plan.resume.points) {
      const { maxCachedWorkflows, waiters } = point;
      last = await compare(phase, point, token);
      const [seconds, rawSignalSeconds] = [last.step.seconds.median, last.bare.seconds.median];
      curve.push({ maxCachedWorkflows, waiters, seconds, rawSignalSeconds });
    }
    if (last === undefined) throw new Error('the plan resumes no step');
    const { waiters, step, bare } = last;
    const [seconds, rawSignalSeconds] = [step.seconds.median, bare.seconds.median];
    const ratio = rounded(seconds / rawSignalSeconds, 3);
    return {
      resume: { waiters, seconds, rawSignalSeconds, ratio },
      resumeCurve: curve,
      ...(step.cpu && bare.cpu && { resumeCpu: { step: step.cpu, bare: bare.cpu } }),
      spread: { resumeSeconds: step.seconds, rawSignalSeconds: bare.seconds },
    };
  },
};

type Point = Plan['resume']['points'][number];
type Resumed = Omit<Point, 'runs'>;

interface Compared {
  waiters: number;
  step: OverRuns;
  bare: OverRuns;
}

interface OverRuns {
  seconds: Spread;
  /** The medians of each program. */
  cpu: CpuByProgram | undefined;
}

async function compare(phase: PhaseRun, { runs, ...point }: Point, token: string): Promise<Compared> {
  const resumed: Record<ContenderName, Resuming[]> = { bare: [], step: [] };
  for (let run = 0; run < runs; run += 1) {
    for (const name of inTurn<ContenderName>(['bare', 'step'], run)) {
      const one = await (name === 'bare' ? resumeBare(phase, point, token) : resumeSteps(phase, point, run));
      resumed[name].push(one);
      phase.say(`${name}: ${point.waiters} waiters, cache of ${point.maxCachedWorkflows}: ${one.seconds} s`);
    }
  }
  return { waiters: point.waiters, step: overRuns(resumed.step), bare: overRuns(resumed.bare) };
}

function overRuns(runs: readonly Resuming[]): OverRuns {
  const cpus = runs.flatMap(({ cpu }) => cpu ?? []);
  const medianOf = (program: keyof CpuByProgram) => rounded(median(cpus.map((cpu) => cpu[program])), 2);
  return {
    seconds: spreadOf(runs.map(({ seconds }) => seconds)),
    cpu:
      cpus.length < runs.length
        ? undefined
        : {
            worker: medianOf('worker'),
            temporal: medianOf('temporal'),
            postgres: medianOf('postgres'),
            benchmark: medianOf('benchmark'),
          },
  };
}

interface Resuming {
  seconds: number;
  /** Of each. */
  cpu: CpuByProgram | undefined;
}

async function resumeSteps(
  { world, keep, plan }: PhaseRun,
  { waiters, ...cache }: Resumed,
  run: number,
): Promise<Resuming> {
  const user = `resume-${cache.maxCachedWorkflows}-${waiters}-${run}-`;
  const worker = keep(await world.startStepWorker(cache));
  const paused = pausedSteps(world, user, 1);
  await paused.pause(waiters);
  await settle(plan);
  const { deposit } = await world.users.consent(`${user}0`);
  const resumed = await untilEnd(world, worker, paused, async () => {
    const resuming = await deposit();
    if (resuming !== waiters) throw new Error(`the deposit resumes ${resuming} of ${waiters} steps`);
  });
  await worker.stop();
  return resumed;
}

async function resumeBare(
  { world, keep, plan }: PhaseRun,
  { waiters, ...cache }: Resumed,
  token: string,
): Promise<Resuming> {
  const worker = keep(await world.startBareWorker({ [BARE_USER]: token }, cache));
  const paused = pausedBare(world, BARE_USER);
  await paused.pause(waiters);
  await settle(plan);
  const resumed = await untilEnd(world, worker, paused, async () => {
    for (const id of paused.workflowIds) {
      await world.client.workflow.getHandle(id).signal(RELEASE);
    }
  });
  await worker.stop();
  return resumed;
}

function settle({ resume: { settleSeconds } }: Plan): Promise<void> {
  return delay(settleSeconds * 1_000);
}

/** By Temporal's times of their ends: the lists in which they are looked for lag behind. */
async function untilEnd(
  { client }: PhaseRun['world'],
  worker: WorkerProcess,
  { query, workflowIds: { length: count } }: Paused,
  begin: () => Promise<void>,
): Promise<Resuming> {
  const cpuBefore = await cpuByProgram(worker);
  const startedAt = Date.now();
  await begin();
  const endedAt = await untilAllCompleted(client, query, count);
  const cpu = cpuForEach(cpuBefore, await cpuByProgram(worker), count);
  return { seconds: rounded((endedAt - startedAt) / 1000, 2), cpu };
}
