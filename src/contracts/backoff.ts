export interface Backoff {
  firstMs: number;
  maxMs: number;
  /** How much longer each wait is than the one before. Default 2. */
  factor?: number;
}

/** Larger exponents would make the power infinite. */
const MAX_EXPONENT = 1_000;

/**
 * Returns how long to wait before a retry: `firstMs · factor ^ retries`, at most `maxMs`.
 *
 * @param retries the number of earlier retries; 0 returns `firstMs`
 */
export function backoffMs({ firstMs, maxMs, factor = 2 }: Backoff, retries: number): number {
  return Math.min(firstMs * factor ** Math.min(retries, MAX_EXPONENT), maxMs);
}

export interface Jitter {
  /** The fixed part of the wait, as a factor. */
  from: number;
  /** The width of the random part: the wait is between `from` and `from + spread` times as long. */
  spread: number;
}

/**
 * Adds jitter to a wait, so that processes or steps that failed together do not retry together. Calls `Math.random`
 * once: in a workflow it is deterministic, and a further call would change the replay.
 *
 * @returns whole milliseconds
 */
export function withJitter(ms: number, { from, spread }: Jitter): number {
  return Math.round(ms * (from + Math.random() * spread));
}
