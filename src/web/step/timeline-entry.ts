import type { StepView, TimelineEntry } from '../../contracts/step.ts';

// An entry may be of any version of Latchkey, or of another program, so each detail is checked where it is read.

export function textIn(entry: TimelineEntry, name: string): string | undefined {
  const value = entry[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberIn(entry: TimelineEntry, name: string): number | undefined {
  const value = entry[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** In milliseconds since 1970; NaN if the entry has no readable time. */
export function timeOf({ at }: TimelineEntry): number {
  return Date.parse(at);
}

export interface ProgressDetails {
  progress: number;
  /** Above 0. */
  total?: number;
  message?: string;
}

export function progressIn(entry: TimelineEntry): ProgressDetails | undefined {
  const progress = numberIn(entry, 'progress');
  if (entry.event !== 'progress' || progress === undefined) return undefined;
  const total = numberIn(entry, 'total');
  const message = textIn(entry, 'message');
  return {
    progress,
    ...(total !== undefined && total > 0 && { total }),
    ...(message !== undefined && { message }),
  };
}

/** The latest decision of a person. */
export function lastDecision(timeline: readonly TimelineEntry[]): TimelineEntry | undefined {
  return timeline.findLast(({ event }) => DECISIONS.has(event));
}

const DECISIONS = new Set(['approved', 'rejected', 'resolved', 'cancelling', 'cancelled']);

/** When the pause began in which the step is now. */
export function pausedAt({ timeline, updatedAt }: Pick<StepView, 'timeline' | 'updatedAt'>): string {
  const paused = timeline.findLast(({ event }) => event === 'awaiting-input');
  return paused !== undefined && !Number.isNaN(timeOf(paused)) ? paused.at : updatedAt;
}
