import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { startStep, stepContender } from '../contenders.ts';
import { historyCostOf } from '../growth/history-cost.ts';
import { measureSpreads } from '../growth/spreading.ts';
import { warmUp } from '../growth/warm-up.ts';
import type { HistoryCost } from '../report/growth-figures.ts';
import type { World } from '../world.ts';
import type { Phase } from './phase.ts';

const CONSENTS_AT_ONCE = 4;

/** The same number of steps for one user and for many, each with a connection and a session of its own. */
export const users: Phase = {
  name: 'users',
  byName: true,
  limitMinutes: { quick: 10, full: 30 },
  async run({ world, plan, keep, say }) {
    const { users: counts, ...load } = plan.growth.users;
    const names = Array.from({ length: Math.max(...counts) }, (_, index) => `growing-user-${index}`);
    await mapConcurrently(names, (name) => world.users.connect(name), CONSENTS_AT_ONCE);
    say(`${names.length} users have connected`);
    const worker = keep(await world.startStepWorker());
    const contender = stepContender(world);
    await warmUp(world, contender);
    const spreads = counts.map((count) => ({
      count,
      targets: names.slice(0, count).map((userId) => ({ userId, contender })),
    }));
    const countRequests = () => world.mcpServer.requests().length;
    const measured = await measureSpreads(spreads, load, { worker, countRequests, say });
    return { growth: { users: measured, stepHistory: await historyOfOneStep(world, names[0] ?? '') } };
  },
};

async function historyOfOneStep({ latchkey, client }: World, userId: string): Promise<HistoryCost> {
  const stepId = 'one-history';
  const workflowId = await startStep(latchkey, { userId, stepId });
  await latchkey.result(userId, stepId);
  return historyCostOf(client, workflowId);
}
