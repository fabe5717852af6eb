export interface Backoff {
  firstMs: number;
  maxMs: number;
  /** How much longer each wait is than the one before. Default 2. */
  factor?: number;
}

/** Below the exponent at which the product is infinite. */
const MAX_EXPONENT = 1_000;

/**
 * Returns how long to wait before a retry: `firstMs · factor ^ retries`, at most `maxMs`.
 *
 * @param retries that were made before; 0 returns `firstMs`
 */
export function backoffMs({ firstMs, maxMs, factor = 2 }: Backoff, retries: number): number {
  return Math.min(firstMs * factor ** Math.min(retries, MAX_EXPONENT), maxMs);
}

export interface Jitter {
  /** The part of the wait that is certain. */
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
