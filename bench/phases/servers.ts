import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { stepContender } from '../contenders.ts';
import { measureSpreads, type Target } from '../growth/spreading.ts';
import { warmUp } from '../growth/warm-up.ts';
import type { World } from '../world.ts';
import type { Phase } from './phase.ts';

/** The same number of steps at one MCP server and at many, each with a port, a URL and a registration of its own. */
export const servers: Phase = {
  name: 'servers',
  byName: true,
  limitMinutes: { quick: 10, full: 30 },
  async run({ world, plan, keep, say }) {
    const { servers: counts, users, ...load } = plan.growth.servers;
    const indexes = Array.from({ length: Math.max(...counts) }, (_, index) => index);
    const added = await mapConcurrently(indexes, (index) => addServer(world, index, users), 1);
    say(`${added.length} servers are registered, with ${users} users each`);
    const worker = keep(await world.startStepWorker());
    await warmUp(world, stepContender(world));
    const spreads = counts.map((count) => ({
      count,
      targets: interleaved(added.slice(0, count).map(({ targets }) => targets)),
    }));
    const countRequests = () => added.reduce((sum, { server }) => sum + server.requests().length, 0);
    return { growth: { servers: await measureSpreads(spreads, load, { worker, countRequests, say }) } };
  },
};

async function addServer(world: World, index: number, users: number) {
  const mcpServerId = `growing-server-${index}`;
  const server = await world.addMcpServer(mcpServerId);
  const contender = stepContender(world, mcpServerId);
  const targets: Target[] = [];
  for (let user = 0; user < users; user += 1) {
    const userId = `server-user-${user}`;
    await world.users.connect(userId, { mcpServerId, resource: server.url });
    targets.push({ userId, contender });
  }
  return { server, targets };
}

/** The servers take turns, also where a run has fewer steps than there are connections. */
function interleaved(targets: readonly Target[][]): Target[] {
  const users = targets[0]?.length ?? 0;
  return Array.from({ length: users }, (_, user) =>
    targets.flatMap((ofServer) => ofServer[user] ?? []),
  ).flat();
}
