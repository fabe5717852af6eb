import { msToNumber } from '@temporalio/common/lib/time.js';
import type { StepTimeouts } from './step.ts';

export type TimeoutName = keyof StepTimeouts;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const DEFAULT_TIMEOUTS_MS: Readonly<Record<TimeoutName, number>> = {
  call: 5 * MINUTE,
  approval: 30 * DAY,
  reauth: 30 * DAY,
  resolution: 30 * DAY,
  unavailable: 24 * HOUR,
};

export const MAX_TIMEOUTS_MS: Readonly<Record<TimeoutName, number>> = {
  call: HOUR,
  approval: 365 * DAY,
  reauth: 365 * DAY,
  resolution: 365 * DAY,
  unavailable: 30 * DAY,
};

/** The range of a server's `idleLimit`: the time after which its unused refresh tokens expire. */
export const IDLE_LIMIT_MS = { min: HOUR, max: 365 * DAY } as const;

const NUMBER_AND_UNIT = /^\d+(\.\d+)? ?[a-z]+$/i;

/** Parses a duration such as `30s`, `5m` or `30 days` into milliseconds; undefined if invalid or not positive. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64 || !NUMBER_AND_UNIT.test(text)) return undefined;
  try {
    // The cast is safe: `msToNumber` throws for a string that is not of its template type.
    const milliseconds = Math.round(msToNumber(text as Parameters<typeof msToNumber>[0]));
    return milliseconds > 0 ? milliseconds : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the problem of a step's timeout, to follow its name; undefined if it is valid. */
export function timeoutProblem(name: TimeoutName, text: string): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return 'must be a duration such as 30s, 5m or 30 days';
  return ms > MAX_TIMEOUTS_MS[name] ? `must be at most ${ceilingOf(name)}` : undefined;
}

function ceilingOf(name: TimeoutName): string {
  const hours = MAX_TIMEOUTS_MS[name] / HOUR;
  return hours < 24 ? `${hours}h` : `${hours / 24} days`;
}
