import type { CredentialWatch } from './credential-watch.ts';
import type { StepPlan } from './step-input.ts';
import type { StepRecord } from './step-record.ts';

/** How far a step has come: plain data, carried along when it continues as new. */
export interface StepProgress {
  /** The token version that this step renewed last: it is used once, and a 401 to it is final. */
  justRenewed?: number;
  /** The credential version whose token was renewed because of a 401: once is enough. */
  renewedAfterRefusal?: number;
  /** Since when, in milliseconds since 1970, and how often in a row the call could not be sent. */
  unsent?: { since: number; times: number };
  /** Until when the step waits for a deposit after `version`; looking again does not move it. */
  reauth?: { version: number; deadline: number };
}

/** A step under way. */
export interface Step {
  plan: StepPlan;
  record: StepRecord;
  credential: CredentialWatch;
  progress: StepProgress;
}
