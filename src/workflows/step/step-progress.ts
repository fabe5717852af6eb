import type { CredentialVersions } from '../../contracts/activities.ts';
import type { ToolAnnotations } from '../../contracts/step.ts';
import type { Pause } from './recorded.ts';
import type { CarriedRecord } from './step-record.ts';

/**
 * The progress of a step: plain data that a new run receives when the step continues as new. Histories hold these
 * fields: add to them, never rename. Times are in milliseconds since 1970.
 */
export interface StepProgress {
  /** A person approved the call, so it is not asked for again. */
  approved?: { editedArguments?: Record<string, unknown> };
  /** The cause why the answer of a call was lost. The step does not call again before this is resolved. */
  lost?: string;
  /** The token version that this step renewed last. It is used once, and a 401 to it is final. */
  justRenewed?: number;
  /** The credential version whose token was renewed because of a 401. It is renewed once for this reason. */
  renewedAfterRefusal?: number;
  /** Consecutive 401s that came after the token's own lifetime. After the third, a 401 counts again. */
  expiredRefusals?: number;
  /** Consecutive attempts without an answer from the server, and the time of the first. */
  unanswered?: { since: number; times: number };
  /** Consecutive attempts at which the user or the server had reached the worker's limit of calls. */
  crowded?: number;
  /**
   * The last attempt found the server paused, or the step waits for the end of that pause: since when, and when it
   * looks again at the latest.
   */
  serverPaused?: { wait?: { since: number; until: number } };
  /** Consecutive attempts at which the worker lacked an encryption key, and the time of the first. */
  withoutKey?: { since: number; times: number };
  /** Consecutive refusals of the operator's client, and the time of the first. */
  unoperated?: { since: number; times: number };
  /** When the pause for a deposit newer than `version` ends. Reading the store again does not move it. */
  reauth?: { version: number; deadline: number };
  /** The sets of scopes that consent was requested for, each with the credential version that lacked it. */
  askedScopes?: Record<string, number>;
  /** The deposit that the step waits for now. */
  awaitedDeposit?: AwaitedDeposit;
  /** The edits that were refused within the last minute. */
  refusedEdits?: RefusedEdit[];
  /** The time before which the step does not contact the server. */
  notBefore?: number;
  /** When the pause for approval ends, and the tool's annotations. */
  approval?: { deadline: number; annotations?: ToolAnnotations };
  /** When the pause for a decision about a lost call ends. */
  resolution?: { deadline: number };
}

/** A pause that a deposit ends. */
export type DepositPause = Pick<Pause, 'awaitingInputReason' | 'connectionReason' | 'requiredScopes'>;

/** A new run continues its wait for a deposit with this. */
export interface AwaitedDeposit {
  seen: CredentialVersions;
  pause: DepositPause;
}

export interface RefusedEdit {
  by: string;
  at: number;
}

/** The second argument of a run that continues another one. A step passes it to itself. */
export interface CarriedStep {
  record: CarriedRecord;
  progress: StepProgress;
}

/** Above every version: no deposit since the request for consent is known. */
const NOT_CONSENTED = Number.MAX_SAFE_INTEGER;

/** Call this after a wait: the renewed token may have expired, so the next 401 may be solved by a renewal. */
export function forgetRenewals(progress: StepProgress): void {
  delete progress.justRenewed;
  delete progress.renewedAfterRefusal;
  delete progress.expiredRefusals;
}

/** Call this after versions rose without a deposit: each set of scopes may be requested once more. */
export function forgetConsents(progress: Pick<StepProgress, 'askedScopes'>): void {
  const asked = Object.keys(progress.askedScopes ?? {});
  progress.askedScopes = Object.fromEntries(asked.map((scopes) => [scopes, NOT_CONSENTED]));
}
