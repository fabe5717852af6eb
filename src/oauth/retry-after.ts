const MAX_MS = 24 * 3600 * 1000;

/**
 * Returns the milliseconds of a `Retry-After` header, at most a day. Its value is a number of seconds or a date.
 * Undefined if there is no header or its value is malformed.
 *
 * @param date the `Date` header of the response: `Retry-After` counts by the server's clock, and ours may be minutes
 *   off
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
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
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_MS) : undefined;
}

function dateMs(header: string | null): number | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
