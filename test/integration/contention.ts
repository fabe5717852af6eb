import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import type { World } from '../support/world.ts';

const STARTS_AT_ONCE = 25;
const START_WITHIN_MS = 120_000;
const LOOKS_AT_ONCE = 25;
/** Less than the 60 s for which a process waits for an answer. */
const HOLD_AT_MOST_MS = 50_000;

/** Refreshes of one user whose answers are held back. */
export interface HeldRefreshes {
  /**
   * Resolves when every one of the steps has met a refresh under way, and as many refreshes as are expected have
   * been sent; then lets the answers come, one after the other.
   *
   * @throws when not all of them have met one for as long as it can be held
   */
  releaseWhenMetBy(steps: readonly StepView[]): Promise<void>;
}

/** @param expected the number of refreshes that will be sent before the first one is answered */
export function holdRefreshes(world: World, accountId: string, expected: number): HeldRefreshes {
  const { control, stats } = world.authorizationServer;
  const hold = (times: number) =>
    control.interceptTokenRequests({ do: 'hold-before-processing' }, { accountId, times });
  const [first, others] = [hold(1), hold(Number.POSITIVE_INFINITY)];
  return {
    async releaseWhenMetBy(steps) {
      await first.reached();
      const giveUpAt = performance.now() + HOLD_AT_MOST_MS;
      const allSent = others.reached(expected - 1);
      await untilAllRefresh(world, steps, giveUpAt);
      await within(giveUpAt, allSent);
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
  { start }: World,
  user: string,
  count: number,
  step: Partial<McpStepInput> = {},
): Promise<StepView[]> {
  const steps: StepView[] = [];
  for (let left = count; left > 0; left -= STARTS_AT_ONCE) {
    const some = Array.from({ length: Math.min(left, STARTS_AT_ONCE) }, async () => {
      const stepId = randomUUID();
      // A start has a time limit of its own, which a busy machine may exceed; starting a step again is harmless.
      return vi.waitFor(() => start(user, { ...step, stepId }), { timeout: START_WITHIN_MS });
    });
    steps.push(...(await Promise.all(some)));
  }
  return steps;
}

async function untilAllRefresh(world: World, steps: readonly StepView[], giveUpAt: number): Promise<void> {
  for (let left = steps; left.length > 0; left = await notRefreshing(world, left)) {
    if (performance.now() > giveUpAt) {
      throw new Error(`${left.length} of ${steps.length} steps have not met a refresh under way`);
    }
    await delay(100);
  }
}

async function notRefreshing(world: World, steps: readonly StepView[]): Promise<StepView[]> {
  const left: StepView[] = [];
  for (let at = 0; at < steps.length; at += LOOKS_AT_ONCE) {
    const some = steps.slice(at, at + LOOKS_AT_ONCE);
    const looks = await Promise.all(some.map((step) => isRefreshing(world, step)));
    left.push(...some.filter((_, index) => !looks[index]));
  }
  return left;
}

async function isRefreshing({ temporal }: World, { workflowId }: StepView): Promise<boolean> {
  const { raw } = await temporal.client.workflow.getHandle(workflowId).describe();
  return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'refreshToken');
}

async function within(giveUpAt: number, sent: Promise<void>): Promise<void> {
  const tired = delay(Math.max(giveUpAt - performance.now(), 0), 'tired', { ref: false });
  if ((await Promise.race([sent, tired])) === 'tired') throw new Error('not all refreshes have been sent');
}

/** What the histories of steps say of who worked for them. Workers are told by their identity, `pid@host`. */
export interface Work {
  workers: Set<unknown>;
  /** Those that took refreshes. */
  refreshers: Set<unknown>;
  /** So many steps asked for a refresh. */
  refreshing: number;
}

export async function workFor(world: World, steps: readonly StepView[]): Promise<Work> {
  const work: Work = { workers: new Set(), refreshers: new Set(), refreshing: 0 };
  for (const { workflowId } of steps) {
    const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
    const refreshIds = new Set(
      (events ?? [])
        .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'refreshToken')
        .map((event) => Number(event.eventId)),
    );
    if (refreshIds.size > 0) work.refreshing += 1;
    for (const started of (events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes ?? [])) {
      work.workers.add(started.identity);
      if (refreshIds.has(Number(started.scheduledEventId))) work.refreshers.add(started.identity);
    }
  }
  return work;
}
