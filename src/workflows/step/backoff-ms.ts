const FIRST_WAIT_MS = 1_000;

/**
 * How long to wait after so many times in vain: twice as long each time, up to `longestMs`. Half of it is left to
 * chance, so that a thousand steps don't come back at once.
 */
export function backoffMs(times: number, longestMs: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(times, 20), longestMs);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
