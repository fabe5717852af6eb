import { withJitter } from '../contracts/backoff.ts';

const MIN_RETRY_AFTER_MS = 1_000;
/** The distance between two retry times, so that a thousand refused calls don't come back at once. */
const RETRY_SPACING_MS = 50;
const MAX_RETRY_AFTER_MS = 60_000;
const MAX_TRACKED_RETRIES = 1_000;

export interface RetryTimes {
  /** Returns milliseconds. `full` names the user or server whose limit is reached. */
  next(full: string): number;
}

/** Gives every refused call of a user or server its own time to try again. */
export function createRetryTimes(now = () => performance.now()): RetryTimes {
  const latest = new Map<string, number>();
  return {
    next(full) {
      if (latest.size >= MAX_TRACKED_RETRIES) deletePast(latest, now());
      const earliest = now() + MIN_RETRY_AFTER_MS;
      const retryAt = Math.max(earliest, (latest.get(full) ?? 0) + RETRY_SPACING_MS);
      const last = now() + MAX_RETRY_AFTER_MS;
      // Further calls come back at random, so that each has the same chance.
      if (retryAt > last) return withJitter(MAX_RETRY_AFTER_MS, { from: 0.5, spread: 0.5 });
      latest.set(full, retryAt);
      return Math.round(retryAt - now());
    },
  };
}

function deletePast(latest: Map<string, number>, time: number): void {
  for (const [full, retryAt] of latest) if (retryAt < time) latest.delete(full);
}
