import type { CredentialVersions } from './activities.ts';

/** The renewals that one attempt to reach a server has already had. */
export interface Renewals {
  /** The token version that was renewed last. */
  justRenewed?: number;
  /** The credential version whose token was renewed because of a 401. */
  renewedAfterRefusal?: number;
  /** Consecutive 401s that came after the token's own lifetime. */
  expiredRefusals?: number;
}

/** A 401 of an MCP server. */
export interface Refusal {
  seen: CredentialVersions;
  /** The token had expired by its own lifetime when the answer came. */
  expired?: true;
}

/** A server that answers every token so late refuses them for another reason. */
const MAX_EXPIRED_REFUSALS = 3;

/** Whether the 401 says nothing about the grant: its token has expired on the way, and not for the fourth time. */
export function isOnlyExpiry({ expired }: Refusal, { expiredRefusals = 0 }: Renewals): boolean {
  return expired === true && expiredRefusals < MAX_EXPIRED_REFUSALS;
}

/**
 * Whether only the user can help after a 401 to the token of `seen`. A token that was renewed just now, or for a 401
 * before, is not renewed again: another renewal would not help. After any other 401 the token is renewed once. A token
 * that expired on the way is renewed in any case, at most three times in a row.
 */
export function refusalIsFinal(refusal: Refusal, renewals: Renewals): boolean {
  if (isOnlyExpiry(refusal, renewals)) return false;
  const { seen } = refusal;
  return (
    seen.tokenVersion === renewals.justRenewed || seen.credentialVersion === renewals.renewedAfterRefusal
  );
}
