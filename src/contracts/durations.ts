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

/** What an authorization server may be said to forget unused refresh tokens after. */
export const IDLE_LIMIT_MS = { min: HOUR, max: 365 * DAY } as const;

const NUMBER_AND_UNIT = /^\d+(\.\d+)? ?[a-z]+$/i;

/** Milliseconds of a duration such as `30s`, `5m` or `30 days`; undefined where it is none, or not over 0. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64 || !NUMBER_AND_UNIT.test(text)) return undefined;
  try {
    // The cast widens ms' template type: it refuses what is not one by throwing.
    const milliseconds = Math.round(msToNumber(text as Parameters<typeof msToNumber>[0]));
    return milliseconds > 0 ? milliseconds : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a step's timeout, after its name; undefined where nothing is. */
export function timeoutProblem(name: TimeoutName, text: string): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return 'must be a duration such as 30s, 5m or 30 days';
  return ms > MAX_TIMEOUTS_MS[name] ? `must be at most ${ceilingOf(name)}` : undefined;
}

function ceilingOf(name: TimeoutName): string {
  const hours = MAX_TIMEOUTS_MS[name] / HOUR;
  return hours < 24 ? `${hours}h` : `${hours / 24} days`;
}
