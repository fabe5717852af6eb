import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import type { World } from '../support/world.ts';

const STARTS_AT_ONCE = 25;
const START_WITHIN_MS = 120_000;
/** A busy server loses tasks on their way to a worker, so the looks leave it time for them. */
const LOOKS_AT_ONCE = 10;
const LOOK_EVERY_MS = 1_000;
/** Less than the 60 s for which a process waits for an answer. */
const HOLD_AT_MOST_MS = 50_000;

/** Refreshes of one user whose answers are held back. */
export interface HeldRefreshes {
  /**
   * Resolves when every one of the steps has met a refresh under way, in so many processes; then lets the answers
   * come, one after the other.
   *
   * @throws when not all of them have met one for as long as it can be held
   */
  releaseWhenMetBy(steps: readonly StepView[], processes: number): Promise<void>;
}

/** @param expected the number of refreshes that will be sent before the first one is answered */
export function holdRefreshes(world: World, accountId: string, expected: number): HeldRefreshes {
  const { control, stats } = world.authorizationServer;
  const hold = (times: number) =>
    control.interceptTokenRequests({ do: 'hold-before-processing' }, { accountId, times });
  const [first, others] = [hold(1), hold(Number.POSITIVE_INFINITY)];
  return {
    async releaseWhenMetBy(steps, processes) {
      await first.reached();
      const giveUpAt = performance.now() + HOLD_AT_MOST_MS;
      await untilAllRefresh(world, steps, processes, giveUpAt);
      await vi.waitFor(() => expect(others.hits()).toBe(expected - 1), {
        timeout: Math.max(giveUpAt - performance.now(), 1),
      });
      // One after the other: oidc-provider does not notice reuse in the very same moment.
      first.release();
      await expect
        .poll(() => stats.tokenRequests({ accountId, grantType: 'refresh_token' }), { timeout: 20_000 })
        .toHaveLength(1);
      others.release();
    },
  };
}

/** Starts many steps of one user, whether or not there are workers for them. */
export async function startMany(
  world: World,
  user: string,
  count: number,
  step: Partial<McpStepInput> = {},
): Promise<StepView[]> {
  const steps: StepView[] = [];
  for (let left = count; left > 0; left -= STARTS_AT_ONCE) {
    const some = Array.from({ length: Math.min(left, STARTS_AT_ONCE) }, async () => {
      const stepId = randomUUID();
      // A start has a time limit of its own, which a busy machine may exceed; starting a step again is harmless.
      return vi.waitFor(() => world.steps.start(user, { ...step, stepId }), { timeout: START_WITHIN_MS });
    });
    steps.push(...(await Promise.all(some)));
  }
  return steps;
}

async function untilAllRefresh(
  world: World,
  steps: readonly StepView[],
  processes: number,
  giveUpAt: number,
): Promise<void> {
  const refreshers = new Set<string>();
  let left = steps;
  while (left.length > 0 || refreshers.size < processes) {
    if (performance.now() > giveUpAt) {
      const met = steps.length - left.length;
      throw new Error(`${met} of ${steps.length} steps met a refresh, in ${refreshers.size} processes`);
    }
    await delay(LOOK_EVERY_MS);
    // A process that came up late gets its share of those that have stepped aside and come again.
    left = await notRefreshing(world, left.length > 0 ? left : steps, refreshers);
  }
}

async function notRefreshing(
  world: World,
  steps: readonly StepView[],
  refreshers: Set<string>,
): Promise<StepView[]> {
  const left: StepView[] = [];
  for (let at = 0; at < steps.length; at += LOOKS_AT_ONCE) {
    const some = steps.slice(at, at + LOOKS_AT_ONCE);
    const looks = await Promise.all(some.map((step) => refresherOf(world, step)));
    for (const refresher of looks) if (refresher) refreshers.add(refresher);
    left.push(...some.filter((_, index) => looks[index] === undefined));
  }
  return left;
}

/** The identity (`pid@host`) of the worker that had the step's refresh last, or '' as long as nobody has. */
async function refresherOf({ temporal }: World, { workflowId }: StepView): Promise<string | undefined> {
  const { raw } = await temporal.client.workflow.getHandle(workflowId).describe();
  const refresh = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'refreshToken');
  return refresh && (refresh.lastWorkerIdentity ?? '');
}

/** The steps that do not wait for the user, with what they do: shown when the test fails. */
export async function stepsNotWaiting(
  { steps: worldSteps, temporal }: World,
  user: string,
  steps: readonly StepView[],
): Promise<object[]> {
  const waiting = new Set(await worldSteps.waiting(user));
  const others = steps.filter(({ stepId }) => !waiting.has(stepId));
  const { workflow } = temporal.client;
  return mapConcurrently(others, async ({ stepId, workflowId }) => {
    const { status, raw } = await workflow.getHandle(workflowId).describe();
    const activities = (raw.pendingActivities ?? []).map(({ activityType, attempt, lastFailure }) => ({
      name: activityType?.name,
      attempt,
      lastFailure: lastFailure?.message,
    }));
    return { stepId, status: status.name, activities };
  });
}

/** How many of these steps have asked for a refresh, by their histories. */
export async function countRefreshing({ temporal }: World, steps: readonly StepView[]): Promise<number> {
  let count = 0;
  for (const { workflowId } of steps) {
    const { events } = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
    const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    if (scheduled.some(({ activityType }) => activityType?.name === 'refreshToken')) count += 1;
  }
  return count;
}
