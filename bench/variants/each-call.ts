import { runLoad } from '../load.ts';
import { CALL } from '../names.ts';
import type { PhaseRun } from '../phases/phase.ts';
import { CONCURRENCY } from '../plan.ts';
import { median, rounded } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { startVariant, type Tokens, type Variants } from './start.ts';

type EachCall = Variants['eachCall'][number];
type Run = Omit<EachCall, 'variant'>;

const EACH_CALL = ['connectEachCall', 'refreshEachCall'] as const;

/** Connecting, or refreshing, with each call: in alternating runs, as steps and bare workflows are measured. */
export async function measureEachCall(phase: PhaseRun, { store, options }: Tokens): Promise<EachCall[]> {
  const { world, plan, keep, say } = phase;
  const users = Array.from({ length: plan.users }, (_, index) => `variant-${index}`);
  for (const user of users) await store.write({ userId: user, ...(await world.users.grant(user)) });
  const worker = keep(await world.startBareWorker({}, { tokenStore: options }));
  const runs = EACH_CALL.map((variant) => ({ variant, figures: [] as Run[] }));
  const { runs: times, count } = plan.variants.eachCall;
  // The first run warms up.
  for (let time = 0; time <= times; time += 1) {
    for (const { variant, figures } of runs) {
      const measured = await measureRun(phase, worker, count, (index) =>
        runToEnd(phase, variant, users[index % users.length] ?? ''),
      );
      if (time > 0) figures.push(measured);
    }
  }
  await worker.stop();
  say('connecting and refreshing with each call measured');
  return runs.map(({ variant, figures }) => ({ variant, ...medians(figures) }));
}

async function measureRun(
  { world }: PhaseRun,
  worker: WorkerProcess,
  count: number,
  runOne: (index: number) => Promise<void>,
): Promise<Run> {
  const requests = () => world.mcpServer.requests().length;
  const tokenRequests = () => world.authorizationServer.stats.requests('token');
  const before = { cpuMs: await worker.cpuMs(), requests: requests(), tokenRequests: tokenRequests() };
  const { seconds } = await runLoad({ count, concurrency: CONCURRENCY }, runOne);
  return {
    perSecond: count / seconds,
    cpuMs: ((await worker.cpuMs()) - before.cpuMs) / count,
    requestsPerCall: (requests() - before.requests) / count,
    tokenRequestsPerCall: (tokenRequests() - before.tokenRequests) / count,
  };
}

function medians(figures: Run[]): Run {
  const medianOf = (of: (one: Run) => number) => rounded(median(figures.map(of)), 2);
  return {
    perSecond: medianOf(({ perSecond }) => perSecond),
    cpuMs: medianOf(({ cpuMs }) => cpuMs),
    requestsPerCall: medianOf(({ requestsPerCall }) => requestsPerCall),
    tokenRequestsPerCall: medianOf(({ tokenRequestsPerCall }) => tokenRequestsPerCall),
  };
}

async function runToEnd({ world }: PhaseRun, workflow: string, userId: string): Promise<void> {
  await (await startVariant(world, workflow, { userId, ...CALL })).result();
}
