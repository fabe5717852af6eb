import type { CredentialVersions } from '../../contracts/activities.ts';
import type { ToolAnnotations } from '../../contracts/step.ts';
import type { CarriedRecord, Pause } from './step-record.ts';

/** How far a step has come: plain data, carried along when it continues as new. */
export interface StepProgress {
  /** Somebody approved the call: nobody is asked twice. */
  approved?: { editedArguments?: Record<string, unknown> };
  /** The answer of a call was lost, for this cause: what became of it is to be found out before another one. */
  lost?: string;
  /** The token version that this step renewed last: it is used once, and a 401 to it is final. */
  justRenewed?: number;
  /** The credential version whose token was renewed because of a 401: once is enough. */
  renewedAfterRefusal?: number;
  /** Since when, in milliseconds since 1970, and how often in a row no answer could be had. */
  unanswered?: { since: number; times: number };
  /** How often in a row its user, or its server, had as many calls under way as a worker allows. */
  crowded?: number;
  /** Since when, in milliseconds since 1970, and how often in a row no worker had an encryption key. */
  withoutKey?: { since: number; times: number };
  /** Since when, in milliseconds since 1970, and how often in a row the operator's client was refused. */
  unoperated?: { since: number; times: number };
  /** Until when the step waits for a deposit after `version`; looking again does not move it. */
  reauth?: { version: number; deadline: number };
  /** The sets of scopes that consent was asked for, and the credential version that lacked each. */
  askedScopes?: Record<string, number>;
  /** The deposit that the step waits for now. */
  awaitedDeposit?: AwaitedDeposit;
  /** The edits that were refused within the last minute. */
  refusedEdits?: RefusedEdit[];
  /** Until when, in milliseconds since 1970, the step leaves the server alone. */
  notBefore?: number;
  /** Until when, in milliseconds since 1970, the step waits for approval, and what its tool is said to be. */
  approval?: { deadline: number; annotations?: ToolAnnotations };
  /** Until when, in milliseconds since 1970, the step waits for somebody to say what became of its call. */
  resolution?: { deadline: number };
}

/** Time has passed: what was just renewed may have run out, and a 401 is a new one. */
export function forgetRenewals(progress: StepProgress): void {
  delete progress.justRenewed;
  delete progress.renewedAfterRefusal;
}

/** A pause that a deposit ends. */
export type DepositPause = Pick<Pause, 'awaitingInputReason' | 'connectionReason' | 'requiredScopes'>;

/** What a step waits for that a deposit brings: with this a new run waits on. */
export interface AwaitedDeposit {
  seen: CredentialVersions;
  pause: DepositPause;
}

/** An edit that was refused, and when, in milliseconds since 1970. */
export interface RefusedEdit {
  by: string;
  at: number;
}

/** What a step that continues as new hands to itself; nobody else passes it. */
export interface CarriedStep {
  record: CarriedRecord;
  progress: StepProgress;
}
