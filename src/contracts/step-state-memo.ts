import type { StepView } from './step.ts';

/** Under this key a step's memo says how it stands, from its first pause or its end on. */
export const STATE_MEMO = 'latchkeyState';

/** What a step is; also in the memo of steps whose start carried none, as that of a client in another language. */
export type StepIdentity = Pick<StepView, 'stepId' | 'mcpServerId' | 'tool' | 'title' | 'mode'>;

/** What lists show of a step beyond its start. Success is not written: Completed says it. */
export type StepStateMemo = StepIdentity &
  Pick<
    StepView,
    | 'status'
    | 'createdAt'
    | 'updatedAt'
    | 'awaitingInputReason'
    | 'connectionReason'
    | 'requiredScopes'
    | 'connectUrl'
    | 'error'
  >;
