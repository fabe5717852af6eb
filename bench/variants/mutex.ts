import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { untilCount } from '../executions.ts';
import { CALL } from '../names.ts';
import type { PhaseRun } from '../phases/phase.ts';
import { CONCURRENCY } from '../plan.ts';
import { slowRefreshes } from '../slow-refreshes.ts';
import { startVariant, type Tokens, type Variants } from './start.ts';

const QUERY = 'WorkflowType = "refreshUnderMutex"';

/** The stampede, where a mutex of each process is all that guards the refresh token. */
export async function measureMutex(
  phase: PhaseRun,
  { store, options }: Tokens,
): Promise<Variants['sharedMutex']> {
  const { world, plan, keep, say } = phase;
  const { steps: workflows, workerProcesses } = plan.stampede;
  const userId = 'variant-mutex';
  await store.write({ userId, ...(await world.users.grant(userId)) });
  const slow = slowRefreshes(world.authorizationServer, userId);
  const indexes = Array.from({ length: workflows }, (_, index) => index);
  await mapConcurrently(
    indexes,
    () => startVariant(world, 'refreshUnderMutex', { userId, ...CALL }),
    CONCURRENCY,
  );
  const starting = indexes
    .slice(0, workerProcesses)
    .map(async () => keep(await world.startBareWorker({}, { tokenStore: options })));
  const workers = await Promise.all(starting);
  await untilCount(world.client, `${QUERY} AND ExecutionStatus != "Running"`, (count) => count >= workflows);
  const { count: failed } = await world.client.workflow.count(`${QUERY} AND ExecutionStatus = "Failed"`);
  slow.end();
  const { succeeded, failed: refused } = world.authorizationServer.stats.tokenGrants('refresh_token', {
    accountId: userId,
  });
  await Promise.all(workers.map((worker) => worker.stop()));
  say(`a mutex in each of ${workerProcesses} processes: ${failed} of ${workflows} workflows failed`);
  return { workflows, workerProcesses, grants: succeeded, refused, failed };
}
