import type { StepView, TimelineEntry } from '../../contracts/step.ts';
import { numberIn, type ProgressDetails, progressIn, timeOf } from './timeline-entry.ts';

/** What a running step does now, as far as its timeline says. */
export type Activity =
  | { kind: 'calling'; progress?: ProgressDetails }
  | { kind: 'waiting-for-server'; cause: unknown; nextTryAt?: number }
  | { kind: 'waiting-for-turn' }
  | { kind: 'waiting-for-key'; nextTryAt?: number }
  | { kind: 'waiting-for-operator'; nextTryAt?: number }
  | { kind: 'server-paused' }
  | { kind: 'cancelling' };

/** @param now in milliseconds since 1970, as `nextTryAt` is */
export function activityOf({ timeline }: Pick<StepView, 'timeline'>, now: number): Activity {
  const last = timeline.at(-1);
  if (last === undefined) return { kind: 'calling' };
  const progress = progressIn(last);
  // The server still reports progress after a cancellation was requested.
  if (isCancelling(timeline)) return { kind: 'cancelling' };
  if (progress !== undefined) return { kind: 'calling', progress };
  return waitOf(last, now) ?? { kind: 'calling' };
}

function waitOf(last: TimelineEntry, now: number): Activity | undefined {
  const waitMs = numberIn(last, 'waitMs');
  const next = waitMs === undefined ? {} : { nextTryAt: timeOf(last) + waitMs };
  // The next try is under way, which leaves no entry.
  if (next.nextTryAt !== undefined && next.nextTryAt <= now) return undefined;
  switch (last.event) {
    case 'waiting-for-server':
      return { kind: 'waiting-for-server', cause: last.cause, ...next };
    case 'waiting-for-turn':
      return { kind: 'waiting-for-turn' };
    case 'waiting-for-key':
      return { kind: 'waiting-for-key', ...next };
    case 'waiting-for-operator':
      return { kind: 'waiting-for-operator', ...next };
    case 'server-paused':
      return { kind: 'server-paused' };
    default:
      return undefined;
  }
}

/** Whether the step was told to stop. A call under way may still be answered. */
export function isCancelling(timeline: readonly TimelineEntry[]): boolean {
  return timeline.some(({ event }) => event === 'cancelling');
}
