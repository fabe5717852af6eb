import type { StepView } from './step.ts';

/** Under this key a step's memo says how it stands, from its first pause or its end on. */
export const STATE_MEMO = 'latchkeyState';

/** What lists show of a step beyond its start. Success is not written: Completed says it. */
export type StepStateMemo = Pick<
  StepView,
  | 'status'
  | 'updatedAt'
  | 'awaitingInputReason'
  | 'connectionReason'
  | 'requiredScopes'
  | 'connectUrl'
  | 'error'
>;
