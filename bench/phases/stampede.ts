import { randomUUID } from 'node:crypto';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { startStep } from '../contenders.ts';
import { untilAllCompleted } from '../executions.ts';
import { CONCURRENCY } from '../plan.ts';
import { slowRefreshes } from '../slow-refreshes.ts';
import { rounded } from '../statistics.ts';
import type { Phase } from './phase.ts';

const USER = 'stampede-user';

/**
 * Many steps of one user, whose access token has expired, wait when several workers start: all of them need the same
 * new token at once.
 */
export const stampede: Phase = {
  name: 'stampede',
  limitMinutes: { quick: 10, full: 10 },
  async run({ world, plan, keep, say }) {
    const { steps, workerProcesses } = plan.stampede;
    const { authorizationServer, client } = world;
    await world.users.connect(USER);
    const slow = slowRefreshes(authorizationServer, USER);
    const indexes = Array.from({ length: steps }, (_, index) => index);
    const start = () => startStep(world.latchkey, { userId: USER, stepId: randomUUID() });
    await mapConcurrently(indexes, start, CONCURRENCY);
    say(`${steps} steps wait for ${workerProcesses} workers`);
    const startedAt = Date.now();
    const workers = Array.from({ length: workerProcesses }, () => world.startStepWorker());
    for (const worker of await Promise.allSettled(workers)) {
      if (worker.status === 'rejected') throw worker.reason;
      keep(worker.value);
    }
    const endedAt = await untilAllCompleted(client, `McpUserId = "${USER}"`, steps);
    slow.end();
    const { succeeded, failed } = authorizationServer.stats.tokenGrants('refresh_token', { accountId: USER });
    return {
      stampede: {
        steps,
        workerProcesses,
        // A second one would fail: its token is spent.
        grants: succeeded + failed,
        seconds: rounded((endedAt - startedAt) / 1000, 1),
      },
    };
  },
};
