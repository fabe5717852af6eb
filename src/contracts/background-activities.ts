/**
 * What the background workflows and their activities exchange. As in activities.ts: types only, and recorded in
 * histories, so add to them and never rename.
 */

/** The end of a server's pause. Each has a number of its own. */
export interface ServerResumption {
  mcpServerId: string;
  resumption: number;
}

export interface SignalWaitersOutcome {
  signalled: number;
  /** More waiters are due: call again. */
  more: boolean;
}

/** How many workflows were started whose start was lost. An older worker does not count the server resumptions. */
export interface LostWork {
  resumptions: number;
  revocations: number;
  serverResumptions?: number;
}

/** The number of expired rows that were deleted, by kind. */
export interface DeletedRows {
  /** Grants that could not be revoked in time. Their tokens are deleted; the rows stay. */
  revocations: number;
  results: number;
  connectionEvents: number;
  tombstones: number;
  auditEvents: number;
  waiters: number;
  authorizations: number;
  /** Consents that were not confirmed in time. Their tokens are deleted; the sessions stay for a day. */
  pendingDeposits: number;
  connectSessions: number;
  /** Of servers that are not registered any more. */
  clientRegistrations: number;
  webSessions: number;
  signInLinks: number;
  /** Browsers that did not come back from the OpenID provider in time. */
  oidcSignIns: number;
  /** Users who have no page open any more. */
  watchedUsers: number;
}

export interface RenewIdleGrantsInput {
  mcpServerId: string;
}

/** The outcomes for a server's grants that were near its idle limit. */
export interface IdleRenewals {
  renewed: number;
  /** The authorization server no longer knew them, or they can't be used any more. */
  reauthRequired: number;
  /** To try again: the authorization server is down, another renewal is under way, or the operator must help. */
  postponed: number;
}
