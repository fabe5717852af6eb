import { waitWithin } from './continue-step.ts';
import type { Decision } from './decisions.ts';
import type { Step } from './step.ts';
import { forgetRenewals } from './step-progress.ts';
import type { Pause } from './step-record.ts';

/** Pauses until a person decides; undefined when nobody has by the deadline, in milliseconds since 1970. */
export async function awaitDecision(
  step: Step,
  pause: Pause,
  deadline: number,
): Promise<Decision | undefined> {
  const { record, decisions, progress } = step;
  record.pause(pause);
  await waitWithin(step, deadline - Date.now(), decisions.isMade);
  const decision = decisions.take();
  forgetRenewals(progress);
  // The time that people take is none in which the server was away.
  delete progress.unanswered;
  return decision;
}
