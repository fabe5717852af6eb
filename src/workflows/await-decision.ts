import type { Decision } from './decisions.ts';
import { forgetRenewals, type Step } from './step-progress.ts';
import type { Pause } from './step-record.ts';

/** Pauses until a person decides; undefined when nobody did within `ms`. */
export async function awaitDecision(
  { record, decisions, progress }: Step,
  pause: Pause,
  ms: number,
): Promise<Decision | undefined> {
  record.pause(pause);
  const decision = await decisions.within(ms);
  forgetRenewals(progress);
  // The time that people take is none in which the server was away.
  delete progress.unanswered;
  return decision;
}
