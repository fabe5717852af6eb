import type { Contender } from '../contenders.ts';
import { runLoad } from '../load.ts';
import { CONCURRENCY, type Plan } from '../plan.ts';
import type { World } from '../world.ts';

const USER = 'warm-up-user';

/** Has the worker compile what all steps need, with the steps of a user who is not measured. */
export async function warmUp(world: World, plan: Plan, contender: Pick<Contender, 'runOne'>): Promise<void> {
  await world.users.connect(USER);
  await runLoad({ count: plan.warmUp, concurrency: CONCURRENCY }, () => contender.runOne(USER));
}
