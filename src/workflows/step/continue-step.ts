import { allHandlersFinished, condition, continueAsNew, patched, workflowInfo } from '@temporalio/workflow';
import type { McpStepInput, McpStepResult } from '../../contracts/step.ts';
import type { Step } from './step.ts';
import type { CarriedStep } from './step-progress.ts';

/** Workers of before went by the server's suggestion alone, and only between two attempts. */
const CONTINUE_SOONER = 'continue-sooner-and-in-pauses';
/**
 * Events of one run. Far below what the server takes of one (10,000 signals, 2,000 updates, 51,200 events), and a
 * worker replays them in a fraction of a second.
 */
const EVENTS_AT_MOST = 1_000;
/** What a pause must have added: the events with which a run begins to wait are no reason for another run. */
const GROWN_BY = 50;

/** Continues as new where the history is long. To be called between two attempts. */
export async function continueIfHistoryIsLong(step: Step): Promise<void> {
  const { continueAsNewSuggested } = workflowInfo();
  if (!continueAsNewSuggested && !(isHistoryLong() && patched(CONTINUE_SOONER))) return;
  await condition(allHandlersFinished);
  await continueStep(step);
}

/**
 * Waits until `isOver` says so, for `ms` at most. A step whose history grows long meanwhile, by signals or by edits
 * that were refused, waits on in a new run: what it waits for is in its progress by then.
 *
 * @returns false when the time is over
 */
export async function waitWithin(step: Step, ms: number, isOver: () => boolean): Promise<boolean> {
  const begun = workflowInfo().historyLength;
  const hasOutgrown = () =>
    workflowInfo().historyLength >= begun + GROWN_BY && isHistoryLong() && patched(CONTINUE_SOONER);
  // An update under way would be lost with the run.
  const awake = await condition(() => isOver() || (hasOutgrown() && allHandlersFinished()), Math.max(ms, 1));
  if (awake && !isOver()) await continueStep(step);
  return awake;
}

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= EVENTS_AT_MOST;
}

/** `mcpStep`, which imports this file. A run continues as its own workflow type. */
type StepWorkflow = (input: McpStepInput, carried: CarriedStep) => Promise<McpStepResult>;

function continueStep({ input, record, progress }: Step): Promise<never> {
  return continueAsNew<StepWorkflow>(input, { record: record.carry(), progress });
}
