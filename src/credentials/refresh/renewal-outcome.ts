import type {
  CredentialVersions,
  KeyMissing,
  Misconfigured,
  ReauthRequired,
} from '../../contracts/activities.ts';
import type { Connection } from '../credential-store.ts';

export type RenewalOutcome =
  /** A newer token than the one that was seen is stored, by this process or another. */
  | { kind: 'renewed'; versions: CredentialVersions }
  | ReauthRequired
  /** Nothing was sent. */
  | KeyMissing
  | Misconfigured
  /** Another process is renewing, or the credential has just changed: read it again later. */
  | { kind: 'busy' }
  /**
   * The authorization server gave no usable answer.
   *
   * @property isRefused this one credential was refused in unknown words, and is asked for again after exactly
   *   `retryAfterMs`
   */
  | { kind: 'unavailable'; cause: string; retryAfterMs?: number; isRefused?: true };

/**
 * The outcome of a renewal as far as the store alone decides it. Undefined: the stored token is the one that was `seen`
 * to be due or refused, so a refresh is needed.
 */
export function outcomeFromStoredConnection(
  connection: Connection | undefined,
  seen: CredentialVersions,
): RenewalOutcome | undefined {
  if (connection === undefined) return { kind: 'misconfigured', message: 'the MCP server is not registered' };
  if (connection.server.auth.type !== 'oauth2') {
    return { kind: 'misconfigured', message: 'the MCP server takes no OAuth credentials' };
  }
  const { state, versions, accessTokenJwe } = connection.credential;
  if (state.status === 'absent') return { kind: 'reauth-required', seen: versions, reason: 'not-connected' };
  if (state.status === 'reauth-required') {
    return { kind: 'reauth-required', seen: versions, reason: state.reason };
  }
  // A deposit or an answer may bring a refresh token alone: then no newer access token is stored. A deposit that kept
  // the access token has not raised its version.
  const isNewToken = versions.tokenVersion > seen.tokenVersion && accessTokenJwe !== null;
  return isNewToken ? { kind: 'renewed', versions } : undefined;
}
