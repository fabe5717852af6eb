import { type CpuByProgram, cpuByProgram, cpuForEach } from '../cpu-by-program.ts';
import { untilAllCompleted } from '../executions.ts';
import { RELEASE } from '../names.ts';
import { type Paused, pausedBare, pausedSteps } from '../paused.ts';
import type { Plan } from '../plan.ts';
import type { Figures } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import type { Phase, PhaseRun } from './phase.ts';

const BARE_USER = 'resume-bare';

type Point = Figures['resumeCurve'][number];

/** From one deposit to the end of all steps that waited for it, and from the first signal to the end of bare ones. */
export const resume: Phase = {
  name: 'resume',
  limitMinutes: { quick: 10, full: 30 },
  async run(phase) {
    const token = await phase.world.users.connect(BARE_USER);
    const curve: Point[] = [];
    let resumeCpu: Figures['resumeCpu'];
    for (const one of phase.plan.resume) {
      const bare = await resumeBare(phase, one, token);
      const step = await resumeSteps(phase, one);
      const point = { ...one, seconds: step.seconds, rawSignalSeconds: bare.seconds };
      curve.push(point);
      resumeCpu = step.cpu && bare.cpu && { step: step.cpu, bare: bare.cpu };
      phase.say(
        `${one.waiters} waiters, cache of ${one.maxCachedWorkflows}: ${step.seconds} s, bare ${bare.seconds} s`,
      );
    }
    const last = curve.at(-1);
    if (last === undefined) throw new Error('the plan resumes no step');
    const { waiters, seconds, rawSignalSeconds } = last;
    const ratio = rounded(seconds / rawSignalSeconds, 3);
    return {
      resume: { waiters, seconds, rawSignalSeconds, ratio },
      resumeCurve: curve,
      ...(resumeCpu && { resumeCpu }),
    };
  },
};

type Resumed = Plan['resume'][number];

interface Resuming {
  seconds: number;
  /** Of each. */
  cpu: CpuByProgram | undefined;
}

async function resumeSteps({ world, keep }: PhaseRun, { waiters, ...cache }: Resumed): Promise<Resuming> {
  const user = `resume-${cache.maxCachedWorkflows}-${waiters}-`;
  const worker = keep(await world.startStepWorker(cache));
  const paused = pausedSteps(world, user, 1);
  await paused.pause(waiters);
  const { deposit } = await world.users.consent(`${user}0`);
  const resumed = await untilEnd(world, worker, paused, async () => {
    const resuming = await deposit();
    if (resuming !== waiters) throw new Error(`the deposit resumes ${resuming} of ${waiters} steps`);
  });
  await worker.stop();
  return resumed;
}

async function resumeBare(
  { world, keep }: PhaseRun,
  { waiters, ...cache }: Resumed,
  token: string,
): Promise<Resuming> {
  const worker = keep(await world.startBareWorker({ [BARE_USER]: token }, cache));
  const paused = pausedBare(world, BARE_USER);
  await paused.pause(waiters);
  const resumed = await untilEnd(world, worker, paused, async () => {
    for (const id of paused.workflowIds) {
      await world.client.workflow.getHandle(id).signal(RELEASE);
    }
  });
  await worker.stop();
  return resumed;
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
