import { createMemoryBudget, type MemoryBudget, type MemoryBudgetLimits } from '../async/memory-budget.ts';

const LIMITS: MemoryBudgetLimits = {
  maxBytes: 256 * 1024 * 1024,
  // One result of the largest size that a server may be registered with.
  maxBytesPerUser: 100 * 1024 * 1024,
  maxRequests: 200,
  // A page with many images asks for many parts of a result at once.
  maxRequestsPerUser: 50,
  maxWaiting: 200,
  maxWaitingPerUser: 100,
  waitMs: 2_000,
  sendMs: 30_000,
  // Above 1 Mbit/s.
  sendMsPerMib: 8_000,
};

/** The budget of the stored results that a process reads and sends at once. */
export function createResultBudget(changes: Partial<MemoryBudgetLimits> = {}): MemoryBudget {
  return createMemoryBudget({ ...LIMITS, ...changes });
}
