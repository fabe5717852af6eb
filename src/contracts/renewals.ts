import type { CredentialVersions } from './activities.ts';

/** The renewals that one attempt to reach a server has already had. */
export interface Renewals {
  /** The token version that was renewed last. */
  justRenewed?: number;
  /** The credential version whose token was renewed because of a 401. */
  renewedAfterRefusal?: number;
}

/**
 * Whether only the user can help after a 401 to the token of `seen`. A token that was renewed just now, or for a 401
 * before, is not renewed again: another renewal would not help. After any other 401 the token is renewed once.
 */
export function refusalIsFinal(
  seen: CredentialVersions,
  { justRenewed, renewedAfterRefusal }: Renewals,
): boolean {
  return seen.tokenVersion === justRenewed || seen.credentialVersion === renewedAfterRefusal;
}
