import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../contracts/durations.ts';
import { sinceSchema } from '../schemas/http-admin.ts';

/** Reads a time, a date, or a duration ago, such as `24h`, as a moment in ISO 8601. */
export function parseSince(text: string): string {
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(Math.max(0, Date.now() - ago)).toISOString();
  const moment = sinceSchema.safeParse(text);
  if (moment.success) return moment.data.toISOString();
  throw new InvalidArgumentError('a time such as 2026-11-26T12:00:00Z, a date, or a duration such as 24h.');
}
