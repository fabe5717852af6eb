import { allHandlersFinished, condition, continueAsNew, patched, workflowInfo } from '@temporalio/workflow';
import type { StepRecord } from './step-record.ts';

/** Older workers continued only when the server suggested it, and only between two attempts. */
const CONTINUE_SOONER = 'continue-sooner-and-in-pauses';
/**
 * Events of one run. Far below the server's limits for a run (10,000 signals, 2,000 updates, 51,200 events), and a
 * worker replays them in a fraction of a second.
 */
const MAX_EVENTS = 1_000;
/** Events that a wait must have added. Without this, the events at the start of the wait would cause another run. */
const MIN_GROWTH = 50;

/** A step or listing under way. A new run gets its input, record and progress. */
export interface Continuing {
  input: object;
  record: Pick<StepRecord, 'carry'>;
  /** Plain data. */
  progress: object;
}

/**
 * Returns whether the history is long enough to continue as new. Ask between two attempts, and then call
 * `continueBetweenAttempts`. They are two functions because each `await` costs a workflow CPU time.
 */
export function isTimeToContinue(): boolean {
  return workflowInfo().continueAsNewSuggested || (isHistoryLong() && patched(CONTINUE_SOONER));
}

/** Continues as new once all updates are answered. */
export async function continueBetweenAttempts(step: Continuing): Promise<void> {
  await condition(allHandlersFinished);
  await continueStep(step);
}

export interface Wait {
  /** The time limit. */
  ms: number;
  isOver: () => boolean;
  /** What it waits for, in Temporal's UI. */
  summary: string;
}

/**
 * Waits until `isOver` returns true, for at most `ms`. If signals or refused edits make the history long meanwhile,
 * the step continues the wait in a new run. Its progress must say by then what it waits for.
 *
 * @returns false if the time is over
 */
export async function waitAtMost(step: Continuing, { ms, isOver, summary }: Wait): Promise<boolean> {
  const begun = workflowInfo().historyLength;
  const hasOutgrown = () =>
    workflowInfo().historyLength >= begun + MIN_GROWTH && isHistoryLong() && patched(CONTINUE_SOONER);
  // A new run would lose an update whose handler has not finished.
  const isAwake = () => isOver() || (hasOutgrown() && allHandlersFinished());
  const awake = await condition(isAwake, Math.max(ms, 1), { summary });
  if (awake && !isOver()) await continueStep(step);
  return awake;
}

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= MAX_EVENTS;
}

// A run continues as its own workflow type.
function continueStep({ input, record, progress }: Continuing): Promise<never> {
  return continueAsNew(input, { record: record.carry(), progress });
}
