const LONGEST_MS = 24 * 3600 * 1000;

/**
 * Milliseconds of a `Retry-After` header, given as seconds or as a date; undefined where there is none or it
 * makes no sense. At most a day.
 *
 * @see RFC 9110 §10.2.3
 */
export function retryAfterMs(header: string | null, nowMs: number = Date.now()): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_MS) : undefined;
}
