import type { AwaitingInputReason, StepView } from '../../contracts/step.ts';
import type { StepIdentity } from '../../contracts/step-memo.ts';

/** What a paused step shows to the people who can end the pause. */
export type Pause = { awaitingInputReason: AwaitingInputReason } & Pick<
  StepView,
  'connectUrl' | 'connectionReason' | 'requiredScopes' | 'pending' | 'connections'
> &
  /** Of a listing, which waits for a connection to one of several servers. */
  Partial<Pick<StepView, 'mcpServerId' | 'account'>>;

/** What a record knows of its step or listing. */
export type Recorded = StepIdentity & { userId: string; notifyParent?: boolean };
