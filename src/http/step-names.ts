import { raceTimeout } from '../async/deadline.ts';
import { mapConcurrently } from '../async/map-concurrently.ts';
import type { StepClient } from '../steps/step-client.ts';
import type { ListedStep } from '../web/connect/outcome-page.tsx';

/** A page does not wait longer for Temporal. */
const TIMEOUT_MS = 3_000;
const MAX_NAMED = 20;

/** Returns the titles or tools of steps. A step whose name can't be read in time keeps its id. */
export async function nameSteps(
  steps: Pick<StepClient, 'get'>,
  userId: string,
  stepIds: readonly string[],
): Promise<ListedStep[]> {
  const unnamed = stepIds.map((stepId) => ({ stepId }));
  const named = mapConcurrently(stepIds.slice(0, MAX_NAMED), (stepId) => nameStep(steps, userId, stepId));
  const first = await raceTimeout({ ms: TIMEOUT_MS, ref: false }, named, () => unnamed.slice(0, MAX_NAMED));
  return [...first, ...unnamed.slice(MAX_NAMED)];
}

async function nameStep(steps: Pick<StepClient, 'get'>, userId: string, stepId: string): Promise<ListedStep> {
  try {
    const step = await steps.get({ userId, stepId });
    return step === undefined ? { stepId } : { stepId, name: step.title ?? step.tool };
  } catch {
    // Temporal is down. The page is about the connection, which is stored.
    return { stepId };
  }
}
