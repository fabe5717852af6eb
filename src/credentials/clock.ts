import { setTimeout as delay } from 'node:timers/promises';

/** Time as this process sees it. Whatever other processes must agree on uses the database's time instead. */
export interface Clock {
  /** Milliseconds that never go backwards. */
  monotonicMs(): number;
  /** Milliseconds since 1970; jumps when the machine was suspended. */
  wallMs(): number;
  sleep(ms: number): Promise<void>;
  /** Does `work` every so many milliseconds until what it answers is called. */
  every(ms: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: (ms) => delay(ms),
  every(ms, work) {
    const turns = setInterval(work, ms);
    return () => clearInterval(turns);
  },
};

/**
 * Milliseconds from now on, by whichever clock has gone further: the monotonic one stands still while a machine is
 * suspended, the other may be set back.
 */
export function startStopwatch(clock: Pick<Clock, 'monotonicMs' | 'wallMs'>): () => number {
  const monotonic = clock.monotonicMs();
  const wall = clock.wallMs();
  return () => Math.max(clock.monotonicMs() - monotonic, clock.wallMs() - wall);
}
