const LONGEST_MS = 24 * 3600 * 1000;

/**
 * Milliseconds of a `Retry-After` header, given as seconds or as a date; undefined where there is none or it
 * makes no sense. At most a day.
 *
 * @param date the answer's `Date`: a date is meant by the server's clock, and ours may be minutes off
 * @see RFC 9110 §6.6.1, §10.2.3
 */
export function retryAfterMs(
  header: string | null,
  date: string | null,
  nowMs: number = Date.now(),
): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\s*\d+\s*$/.test(header)
    ? Number(header) * 1000
    : Date.parse(header) - (dateMs(date) ?? nowMs);
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_MS) : undefined;
}

function dateMs(header: string | null): number | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
