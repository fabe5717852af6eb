import { randomUUID } from 'node:crypto';
import { listAwaitedConnections } from '../../../src/credentials/waiters/awaited-connections.ts';
import { waitingStepsOf } from '../../../src/credentials/waiters/count-waiters.ts';
import {
  countDueWaiters,
  listDueWaiters,
  registerWaiter,
  removeWaiter,
  removeWaiters,
  removeWoken,
  requiredScopesOfWaiters,
} from '../../../src/credentials/waiters/waiter-store.ts';
import type { HotPath } from './hot-path.ts';

const LATEST = Number.MAX_SAFE_INTEGER;
const PAGE = { after: '', limit: 200 };

/** A step and a listing begin to wait, a page shows what is awaited, and a deposit wakes those that wait. */
export const waitersPath: HotPath = {
  name: 'waiters',
  operations({ pool, nextAwaited }) {
    const key = nextAwaited();
    const step = { ...key, workflowId: `step/${randomUUID()}`, stepId: 'growth', seenVersion: 1 };
    const listing = { ...step, workflowId: `tools/${randomUUID()}`, ofListing: true };
    return [
      ['registerWaiter', () => registerWaiter(pool, step)],
      ['registerWaiter', () => registerWaiter(pool, listing)],
      ['waitingStepsOf', () => waitingStepsOf(pool, key, 10)],
      ['requiredScopesOfWaiters', () => requiredScopesOfWaiters(pool, key)],
      ['listAwaitedConnections', () => listAwaitedConnections(pool, key.userId)],
      ['countDueWaiters', () => countDueWaiters(pool, key, LATEST)],
      ['listDueWaiters', () => listDueWaiters(pool, key, LATEST, PAGE)],
      ['removeWoken', () => removeWoken(pool, key, [step, listing])],
      ['removeWaiter', () => removeWaiter(pool, step.workflowId, key)],
      ['removeWaiters', () => removeWaiters(pool, step.workflowId)],
    ];
  },
};
