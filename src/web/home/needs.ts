import type { StepSummary } from '../../steps/step-summary.ts';
import type { ConnectionNeed } from '../connection-needs.ts';

/** What needs the user now. */
export type Need = ConnectionNeed | DecisionNeed;

export interface DecisionNeed {
  kind: 'approve' | 'resolve';
  step: StepSummary;
}

export function decisionNeeds(undecided: readonly StepSummary[]): DecisionNeed[] {
  return undecided.map((step) => ({
    kind: step.awaitingInputReason === 'outcome-unknown' ? 'resolve' : 'approve',
    step,
  }));
}
