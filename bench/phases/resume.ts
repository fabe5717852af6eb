import { untilAllCompleted } from '../executions.ts';
import { RELEASE } from '../names.ts';
import { type Paused, pausedBare, pausedSteps } from '../paused.ts';
import type { Plan } from '../plan.ts';
import type { Figures } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
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
    for (const one of phase.plan.resume) {
      const rawSignalSeconds = await resumeBare(phase, one, token);
      const point = { ...one, seconds: await resumeSteps(phase, one), rawSignalSeconds };
      curve.push(point);
      phase.say(
        `${one.waiters} waiters, cache of ${one.maxCachedWorkflows}: ${point.seconds} s, bare ${rawSignalSeconds} s`,
      );
    }
    const last = curve.at(-1);
    if (last === undefined) throw new Error('the plan resumes no step');
    const { waiters, seconds, rawSignalSeconds } = last;
    const ratio = rounded(seconds / rawSignalSeconds, 3);
    return { resume: { waiters, seconds, rawSignalSeconds, ratio }, resumeCurve: curve };
  },
};

type Resumed = Plan['resume'][number];

async function resumeSteps({ world, keep }: PhaseRun, { waiters, ...cache }: Resumed): Promise<number> {
  const user = `resume-${cache.maxCachedWorkflows}-${waiters}-`;
  const worker = keep(await world.startStepWorker(cache));
  const paused = pausedSteps(world, user, 1);
  await paused.pause(waiters);
  const { deposit } = await world.users.consent(`${user}0`);
  const seconds = await secondsToEnd(world, paused, async () => {
    const resuming = await deposit();
    if (resuming !== waiters) throw new Error(`the deposit resumes ${resuming} of ${waiters} steps`);
  });
  await worker.stop();
  return seconds;
}

async function resumeBare(
  { world, keep }: PhaseRun,
  { waiters, ...cache }: Resumed,
  token: string,
): Promise<number> {
  const worker = keep(await world.startBareWorker({ [BARE_USER]: token }, cache));
  const paused = pausedBare(world, BARE_USER);
  await paused.pause(waiters);
  const seconds = await secondsToEnd(world, paused, async () => {
    for (const id of paused.workflowIds) {
      await world.client.workflow.getHandle(id).signal(RELEASE);
    }
  });
  await worker.stop();
  return seconds;
}

/** By Temporal's times of their ends: the lists in which they are looked for lag behind. */
async function secondsToEnd({ client }: PhaseRun['world'], paused: Paused, begin: () => Promise<void>) {
  const startedAt = Date.now();
  await begin();
  const endedAt = await untilAllCompleted(client, paused.query, paused.workflowIds.length);
  return rounded((endedAt - startedAt) / 1000, 2);
}
