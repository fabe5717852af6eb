import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import type { BareCall } from '../bare/activities.ts';
import { untilAllCompleted, untilCount } from '../executions.ts';
import { runLoad } from '../load.ts';
import { BARE_QUEUE, CALL } from '../names.ts';
import { CONCURRENCY } from '../plan.ts';
import type { Figures } from '../report/figures.ts';
import { median, rounded } from '../statistics.ts';
import { createTokenStore, type TokenStore, type TokenStoreOptions } from '../variants/token-store.ts';
import type { WorkerProcess } from '../worker-process.ts';
import type { Phase, PhaseRun } from './phase.ts';

type Variants = NonNullable<Figures['variants']>;
type EachCall = Variants['eachCall'][number];

const EACH_CALL = ['connectEachCall', 'refreshEachCall'] as const;
const MS_PER_HOUR = 3_600_000;

interface Tokens {
  store: TokenStore;
  options: TokenStoreOptions;
}

/** Other ways to write the bare workflow, each with one thing less than a step has. */
export const variants: Phase = {
  name: 'variants',
  fullOnly: true,
  limitMinutes: { quick: 10, full: 20 },
  async run(phase) {
    const { users, databaseUrl } = phase.world;
    const options = { databaseUrl, ...users.client };
    const store = createTokenStore(options);
    try {
      await store.create();
      const tokens = { store, options };
      const eachCall = await measureEachCall(phase, tokens);
      const sharedMutex = await measureMutex(phase, tokens);
      return { variants: { eachCall, sharedMutex, polling: await measurePolling(phase, tokens) } };
    } finally {
      await store.close();
    }
  },
};

/** Connecting, or refreshing, with each call: in alternating runs, as steps and bare workflows are measured. */
async function measureEachCall(phase: PhaseRun, { store, options }: Tokens): Promise<EachCall[]> {
  const { world, plan, keep, say } = phase;
  const users = Array.from({ length: plan.users }, (_, index) => `variant-${index}`);
  for (const user of users) await store.write({ userId: user, ...(await world.users.grant(user)) });
  const worker = keep(await world.startBareWorker({}, { tokenStore: options }));
  const runs = EACH_CALL.map((variant) => ({ variant, figures: [] as Omit<EachCall, 'variant'>[] }));
  const { runs: times, count } = plan.variants.eachCall;
  // The first run warms up.
  for (let time = 0; time <= times; time += 1) {
    for (const { variant, figures } of runs) {
      const measured = await measureRun(phase, worker, count, (index) =>
        runToEnd(phase, variant, { userId: users[index % users.length] ?? '', ...CALL }),
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
): Promise<Omit<EachCall, 'variant'>> {
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

function medians(figures: Omit<EachCall, 'variant'>[]): Omit<EachCall, 'variant'> {
  const medianOf = (of: (one: Omit<EachCall, 'variant'>) => number) => rounded(median(figures.map(of)), 2);
  return {
    perSecond: medianOf(({ perSecond }) => perSecond),
    cpuMs: medianOf(({ cpuMs }) => cpuMs),
    requestsPerCall: medianOf(({ requestsPerCall }) => requestsPerCall),
    tokenRequestsPerCall: medianOf(({ tokenRequestsPerCall }) => tokenRequestsPerCall),
  };
}

async function runToEnd(phase: PhaseRun, workflow: string, ...args: [BareCall, ...number[]]): Promise<void> {
  await (await start(phase, workflow, ...args)).result();
}

function start({ world }: PhaseRun, workflow: string, ...args: [BareCall, ...number[]]) {
  const workflowId = `variant/${workflow}/${randomUUID()}`;
  return world.client.workflow.start(workflow, { workflowId, taskQueue: BARE_QUEUE, args });
}

/** The stampede, where a mutex of each process is all that guards the refresh token. */
async function measureMutex(phase: PhaseRun, { store, options }: Tokens): Promise<Variants['sharedMutex']> {
  const { world, plan, keep, say } = phase;
  const { steps: workflows, workerProcesses } = plan.stampede;
  const userId = 'variant-mutex';
  await store.write({ userId, ...(await world.users.grant(userId)) });
  world.authorizationServer.control.expireAccessTokens(userId);
  const indexes = Array.from({ length: workflows }, (_, index) => index);
  await mapConcurrently(indexes, () => start(phase, 'refreshUnderMutex', { userId, ...CALL }), CONCURRENCY);
  const starting = indexes
    .slice(0, workerProcesses)
    .map(async () => keep(await world.startBareWorker({}, { tokenStore: options })));
  const workers = await Promise.all(starting);
  const query = 'WorkflowType = "refreshUnderMutex"';
  await untilCount(world.client, `${query} AND ExecutionStatus != "Running"`, (count) => count >= workflows);
  const { count: failed } = await world.client.workflow.count(`${query} AND ExecutionStatus = "Failed"`);
  const { succeeded, failed: refused } = world.authorizationServer.stats.tokenGrants('refresh_token', {
    accountId: userId,
  });
  await Promise.all(workers.map((worker) => worker.stop()));
  say(`a mutex in each of ${workerProcesses} processes: ${failed} of ${workflows} workflows failed`);
  return { workflows, workerProcesses, grants: succeeded, refused, failed };
}

/** Waiting for a user by looking again and again. */
async function measurePolling(phase: PhaseRun, { store, options }: Tokens): Promise<Variants['polling']> {
  const { world, plan, keep, say } = phase;
  const { waiters, everySeconds, watchSeconds } = plan.variants.polling;
  const userId = 'variant-polling';
  const worker = keep(await world.startBareWorker({}, { tokenStore: options }));
  const indexes = Array.from({ length: waiters }, (_, index) => index);
  const call = { userId, ...CALL };
  const handles = await mapConcurrently(indexes, () =>
    start(phase, 'pollForToken', call, everySeconds * 1_000),
  );
  const watched = handles[0];
  if (watched === undefined) throw new Error('the plan has no waiters');
  const before = { cpuMs: await worker.cpuMs(), at: Date.now(), events: await eventsOf(watched) };
  await delay(watchSeconds * 1_000);
  const perHour = MS_PER_HOUR / (Date.now() - before.at);
  const cpuMs = ((await worker.cpuMs()) - before.cpuMs) / waiters;
  const events = (await eventsOf(watched)) - before.events;
  const depositedAt = Date.now();
  await store.write({ userId, ...(await world.users.grant(userId)) });
  const endedAt = await untilAllCompleted(world.client, 'WorkflowType = "pollForToken"', waiters);
  await worker.stop();
  say(`${waiters} waiters that look every ${everySeconds} s measured`);
  return {
    waiters,
    everySeconds,
    seconds: rounded((endedAt - depositedAt) / 1000, 2),
    eventsPerWaitingHour: Math.round(events * perHour),
    cpuMsPerWaitingHour: Math.round(cpuMs * perHour),
  };
}

async function eventsOf(handle: { fetchHistory(): Promise<{ events?: unknown[] | null }> }): Promise<number> {
  return (await handle.fetchHistory()).events?.length ?? 0;
}
