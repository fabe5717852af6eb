import { createMemoryBudget, type MemoryBudget, type MemoryBudgetLimits } from '../async/memory-budget.ts';

const LIMITS: MemoryBudgetLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxBytesPerUser: 32 * 1024 * 1024,
  maxRequests: 100,
  maxRequestsPerUser: 10,
  maxWaiting: 200,
  maxWaitingPerUser: 20,
  waitMs: 2_000,
  sendMs: 30_000,
  // The size of a list is never known beforehand.
  sendMsPerMib: 0,
};

/** The budget of the lists of tools that a process reads at once. */
export function createListBudget(changes: Partial<MemoryBudgetLimits> = {}): MemoryBudget {
  return createMemoryBudget({ ...LIMITS, ...changes });
}
