import { setTimeout as delay } from 'node:timers/promises';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { untilAllCompleted } from '../executions.ts';
import { CALL } from '../names.ts';
import type { PhaseRun } from '../phases/phase.ts';
import { rounded } from '../statistics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { startVariant, type Tokens, type Variants } from './start.ts';

const MS_PER_HOUR = 3_600_000;
const USER = 'variant-polling';

type Polling = Variants['polling'];

/** Waiting for a user by looking again and again. */
export async function measurePolling(phase: PhaseRun, { store, options }: Tokens): Promise<Polling> {
  const { world, plan, keep, say } = phase;
  const { waiters, everySeconds, watchSeconds } = plan.variants.polling;
  const worker = keep(await world.startBareWorker({}, { tokenStore: options }));
  const indexes = Array.from({ length: waiters }, (_, index) => index);
  const call = { userId: USER, ...CALL };
  const handles = await mapConcurrently(indexes, () =>
    startVariant(world, 'pollForToken', call, everySeconds * 1_000),
  );
  const waiting = await measureWaiting(worker, handles, watchSeconds);
  const grantedAt = Date.now();
  await store.write({ userId: USER, ...(await world.users.grant(USER)) });
  const endedAt = await untilAllCompleted(world.client, 'WorkflowType = "pollForToken"', waiters);
  await worker.stop();
  say(`${waiters} waiters that look every ${everySeconds} s measured`);
  return { waiters, everySeconds, seconds: rounded((endedAt - grantedAt) / 1000, 2), ...waiting };
}

interface Handle {
  fetchHistory(): Promise<{ events?: unknown[] | null }>;
}

/** What waiting costs for each waiter and hour, by what it costs for so many seconds. */
async function measureWaiting(
  worker: WorkerProcess,
  handles: Handle[],
  seconds: number,
): Promise<Pick<Polling, 'eventsPerWaitingHour' | 'cpuMsPerWaitingHour'>> {
  const look = async () => ({
    at: Date.now(),
    cpuMs: await worker.cpuMs(),
    events: (await handles[0]?.fetchHistory())?.events?.length ?? 0,
  });
  const before = await look();
  await delay(seconds * 1_000);
  const after = await look();
  const perHour = MS_PER_HOUR / (after.at - before.at);
  return {
    eventsPerWaitingHour: Math.round((after.events - before.events) * perHour),
    cpuMsPerWaitingHour: Math.round(((after.cpuMs - before.cpuMs) / handles.length) * perHour),
  };
}
