import {
  bareContender,
  type Contender,
  type ContenderName,
  inTurn,
  startStep,
  stepContender,
} from '../contenders.ts';
import type { CpuByProgram } from '../cpu-by-program.ts';
import type { Load } from '../load.ts';
import { type MeasuredRun, measureRun } from '../measured-run.ts';
import { CONCURRENCY } from '../plan.ts';
import type { SomeFigures } from '../report/figures.ts';
import { median, percentile, rounded, spreadOf } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import type { World } from '../world.ts';
import type { Phase, PhaseRun } from './phase.ts';

/** A contender with its worker. */
interface Racer {
  contender: Contender;
  worker: WorkerProcess;
  users: string[];
  world: World;
}

type Runs = Record<ContenderName, MeasuredRun[]>;

/** Throughput, latency, CPU and the counts of a step, of steps and bare workflows in turn. */
export const speed: Phase = {
  name: 'speed',
  limitMinutes: { quick: 10, full: 25 },
  async run(phase) {
    const { plan, say } = phase;
    const racers = await startRacers(phase);
    for (const racer of racers) await runOf(racer, { count: plan.warmUp, concurrency: CONCURRENCY });
    say('both workers are warm');
    const byConcurrency: { concurrency: number; runs: Runs }[] = [];
    for (const { runs, ...load } of plan.throughput) {
      byConcurrency.push({ concurrency: load.concurrency, runs: await alternate(racers, runs, load) });
      say(`throughput at concurrency ${load.concurrency} measured`);
    }
    const { runs, count } = plan.latency;
    const latencies = await alternate(racers, runs, { count, concurrency: 1 });
    say('latency measured');
    return {
      ...throughputFigures(byConcurrency),
      stepLatencyMs: latencyOf(latencies.step),
      bareLatencyMs: latencyOf(latencies.bare),
      historyEventsHappyPath: await eventsOfOneStep(phase.world),
    };
  },
};

async function startRacers({ world, plan, keep }: PhaseRun): Promise<Racer[]> {
  const users = Array.from({ length: plan.users }, (_, index) => `user-${index}`);
  const tokens: Record<string, string> = {};
  for (const user of users) tokens[user] = await world.users.connect(user);
  const bare = keep(await world.startBareWorker(tokens));
  const step = keep(await world.startStepWorker());
  return [
    { contender: bareContender(world), worker: bare, users, world },
    { contender: stepContender(world), worker: step, users, world },
  ];
}

/** One run of each, as often as `times` says: what slows the machine for a while slows both. */
async function alternate(racers: Racer[], times: number, load: Load): Promise<Runs> {
  const runs: Runs = { step: [], bare: [] };
  for (let time = 0; time < times; time += 1) {
    for (const racer of inTurn(racers, time)) runs[racer.contender.name].push(await runOf(racer, load));
  }
  return runs;
}

function runOf({ contender, worker, users, world }: Racer, load: Load): Promise<MeasuredRun> {
  return measureRun(load, {
    worker,
    countRequests: () => world.mcpServer.requests().length,
    runOne: (index) => contender.runOne(users[index % users.length] ?? ''),
  });
}

function throughputFigures(byConcurrency: { concurrency: number; runs: Runs }[]): SomeFigures {
  const main = byConcurrency.find(({ concurrency }) => concurrency === CONCURRENCY);
  if (main === undefined) throw new Error(`the plan has no runs at concurrency ${CONCURRENCY}`);
  const spreads = {
    stepThroughput: spreadOfRuns(main.runs.step, ({ perSecond }) => perSecond),
    bareThroughput: spreadOfRuns(main.runs.bare, ({ perSecond }) => perSecond),
    stepCpuMs: spreadOfRuns(main.runs.step, ({ cpuMs }) => cpuMs),
    bareCpuMs: spreadOfRuns(main.runs.bare, ({ cpuMs }) => cpuMs),
  };
  const { stepThroughput, bareThroughput, stepCpuMs, bareCpuMs } = spreads;
  return {
    stepThroughput: stepThroughput.median,
    bareThroughput: bareThroughput.median,
    throughputRatio: rounded(stepThroughput.median / bareThroughput.median, 3),
    stepCpuMs: stepCpuMs.median,
    bareCpuMs: bareCpuMs.median,
    cpuRatio: rounded(stepCpuMs.median / bareCpuMs.median, 3),
    ...cpuByProgramOf(main.runs),
    requestsPerCall: requestsOf(byConcurrency, 'step'),
    bareRequestsPerCall: requestsOf(byConcurrency, 'bare'),
    spread: spreads,
    throughputCurve: byConcurrency.map(({ concurrency, runs }) => ({
      concurrency,
      step: rounded(median(runs.step.map(({ perSecond }) => perSecond)), 2),
      bare: rounded(median(runs.bare.map(({ perSecond }) => perSecond)), 2),
    })),
  };
}

function spreadOfRuns(runs: MeasuredRun[], of: (run: MeasuredRun) => number) {
  const { median, min, max } = spreadOf(runs.map(of));
  return { median: rounded(median, 2), min: rounded(min, 2), max: rounded(max, 2) };
}

function cpuByProgramOf({ step, bare }: Runs): Pick<SomeFigures, 'cpuByProgram'> {
  const [ofStep, ofBare] = [programsOf(step), programsOf(bare)];
  return ofStep && ofBare ? { cpuByProgram: { step: ofStep, bare: ofBare } } : {};
}

function programsOf(runs: MeasuredRun[]): CpuByProgram | undefined {
  const all = runs.flatMap(({ cpu }) => cpu ?? []);
  if (all.length < runs.length) return undefined;
  const medianOf = (program: keyof CpuByProgram) => rounded(median(all.map((cpu) => cpu[program])), 2);
  return {
    worker: medianOf('worker'),
    temporal: medianOf('temporal'),
    postgres: medianOf('postgres'),
    benchmark: medianOf('benchmark'),
  };
}

/** The worst run: a median would hide a run with other requests. */
function requestsOf(byConcurrency: { runs: Runs }[], name: ContenderName): number {
  const requests = byConcurrency.flatMap(({ runs }) => runs[name].map((run) => run.requests));
  return requests.reduce((worst, one) => (Math.abs(one - 1) > Math.abs(worst - 1) ? one : worst), 1);
}

function latencyOf(runs: MeasuredRun[]): { p50: number; p95: number } {
  const all = runs.flatMap(({ latenciesMs }) => latenciesMs);
  return { p50: rounded(percentile(all, 50), 1), p95: rounded(percentile(all, 95), 1) };
}

async function eventsOfOneStep({ latchkey, client }: World): Promise<number> {
  const key = { userId: 'user-0', stepId: 'happy-path' };
  const workflowId = await startStep(latchkey, key);
  const { status } = await latchkey.result(key.userId, key.stepId);
  if (status !== 'success') throw new Error(`the step ended with ${status}`);
  const handle = client.workflow.getHandle(workflowId);
  return (await handle.fetchHistory()).events?.length ?? 0;
}
