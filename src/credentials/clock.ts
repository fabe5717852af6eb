import { setTimeout as delay } from 'node:timers/promises';

/** This process's clocks. Times that several processes must agree on are the database's instead. */
export interface Clock {
  /** Milliseconds that never go backwards. */
  monotonicMs(): number;
  /** Milliseconds since 1970; jumps when the machine was suspended. */
  wallMs(): number;
  sleep(ms: number): Promise<void>;
  /** Does `work` every `ms` milliseconds until the returned function is called. */
  every(ms: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: (ms) => delay(ms),
  every(ms, work) {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
};

/**
 * Returns a function that measures the milliseconds from now on, by the clock that has advanced further: the monotonic
 * clock stands still while a machine is suspended, and the wall clock may be set back.
 */
export function startStopwatch(clock: Pick<Clock, 'monotonicMs' | 'wallMs'>): () => number {
  const monotonic = clock.monotonicMs();
  const wall = clock.wallMs();
  return () => Math.max(clock.monotonicMs() - monotonic, clock.wallMs() - wall);
}
