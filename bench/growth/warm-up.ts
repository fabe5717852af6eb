import type { Contender } from '../contenders.ts';
import { runLoad } from '../load.ts';
import { CONCURRENCY } from '../plan.ts';
import type { World } from '../world.ts';

const USER = 'warm-up-user';
const STEPS = 100;

/** Has the worker compile what all steps need, with the steps of a user who is not measured. */
export async function warmUp(world: World, contender: Pick<Contender, 'runOne'>): Promise<void> {
  await world.users.connect(USER);
  await runLoad({ count: STEPS, concurrency: CONCURRENCY }, () => contender.runOne(USER));
}
