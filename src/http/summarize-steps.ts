import { raceTimeout } from '../async/deadline.ts';
import { mapConcurrently } from '../async/map-concurrently.ts';
import type { StepClient } from '../steps/step-client.ts';
import type { ListedStep } from '../web/connect/resumed-steps.tsx';
import { stepName } from '../web/step-words.ts';

/** A page does not wait longer for Temporal. */
const TIMEOUT_MS = 3_000;
/** Each is a request to Temporal, every time that the page is shown. */
export const MAX_SUMMARIZED = 20;

/**
 * Returns the names and statuses of the first steps, without asking their workers. A step that can't be read in time
 * keeps its id.
 */
export async function summarizeSteps(
  steps: Pick<StepClient, 'summarize'>,
  userId: string,
  stepIds: readonly string[],
): Promise<ListedStep[]> {
  const first = stepIds.slice(0, MAX_SUMMARIZED);
  const summarized = mapConcurrently(first, (stepId) => summarizeStep(steps, userId, stepId));
  const unread = () => first.map(unreadStep);
  return raceTimeout({ ms: TIMEOUT_MS, ref: false }, summarized, unread);
}

async function summarizeStep(
  steps: Pick<StepClient, 'summarize'>,
  userId: string,
  stepId: string,
): Promise<ListedStep> {
  try {
    const step = await steps.summarize({ userId, stepId });
    if (step === undefined) return { stepId };
    return { stepId, name: stepName(step), status: step.status, reason: step.awaitingInputReason };
  } catch {
    // Temporal is down. The page is about the connection, which is stored.
    return unreadStep(stepId);
  }
}

function unreadStep(stepId: string): ListedStep {
  return { stepId, isUnread: true };
}
