import type { CredentialKey } from '../../contracts/activities.ts';
import type { ConnectCode } from '../connect-code.ts';

export type ConnectStatus = 'open' | 'awaiting-confirmation' | 'connected' | 'denied' | 'failed';

/**
 * One user's way to a connection. States and transitions of `status`:
 *
 *   open ──consent──▶ connected
 *   open ──consent, confirm: host──▶ awaiting-confirmation ──confirm──▶ connected
 *   open ──error──▶ denied | failed ──Try again──▶ open
 *
 * `open` with the code `account-mismatch` and a pending consent waits for its user to choose the account. An open
 * session whose time is over shows as `expired`, and so does one that was not confirmed in time.
 */
export interface ConnectSession {
  id: string;
  key: CredentialKey;
  /** False: made by the page for a signed-in user. */
  isLink: boolean;
  /** A link's: the host's page. Else the page of ours that the user came from. */
  returnTo?: string;
  loginHint?: string;
  confirm?: 'host';
  status: ConnectStatus;
  /** The link is not valid any more. */
  isLinkExpired: boolean;
  /** Neither the link nor an authorization under way nor a pending consent can be used any more. */
  isOver: boolean;
  /** Why the last attempt did not connect. */
  code?: ConnectCode;
  /** The same for the operator, in a sentence. */
  detail?: string;
  label?: string;
  /** SHA-256 of the cookie of the browser that left last, or whose answer has ended the session. */
  browserHash?: string;
  pendingJwe?: string;
  resumed: ResumedSteps;
  renewal: Renewability;
}

/** The paused steps that a consent resumes. */
export interface ResumedSteps {
  count: number;
  /** Of the first ones. */
  stepIds: string[];
}

/** Whether a connection can be renewed, and without a refresh token until when it works. */
export type Renewability = { isRenewable: true } | { isRenewable: false; worksUntil?: Date };

/** Whether a consent has been kept: nothing can be begun any more. */
export function isSettled({ status }: ConnectSession): boolean {
  return status === 'connected' || status === 'awaiting-confirmation';
}
