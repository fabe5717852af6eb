import type { CredentialVersions } from '../../contracts/activities.ts';
import type { ConnectionReason } from '../../contracts/step.ts';
import type { Connection } from '../credential-store.ts';

export type RenewalOutcome =
  /** A newer token than the one that was seen is stored, whoever fetched it. */
  | { kind: 'renewed'; versions: CredentialVersions }
  | { kind: 'reauth-required'; seen: CredentialVersions; reason: ConnectionReason | 'not-connected' }
  /** Nothing was sent: an encryption key is not configured here; it may be on its way. */
  | { kind: 'key-missing'; kid: string }
  /**
   * Only the operator can help.
   *
   * @property clientRefused the operator's client is refused, in this word: it may be mended while steps wait
   */
  | { kind: 'misconfigured'; message: string; clientRefused?: string }
  /** Somebody else is renewing: look again later. */
  | { kind: 'busy' }
  /**
   * The authorization server gave no answer to go by.
   *
   * @property isRefused it refused this one credential in words that nobody knows, and is asked again after exactly
   *   `retryAfterMs`
   */
  | { kind: 'unavailable'; cause: string; retryAfterMs?: number; isRefused?: true };

/** What the store alone says of a token that was `seen` to be stale or refused; undefined: it is to be renewed. */
export function judgeConnection(
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
  // Without an access token there is nothing newer to call with: a deposit of a refresh token alone, or an
  // authorization server that gave no more than that. A deposit that kept the access token has not raised its version.
  const isNewToken = versions.tokenVersion > seen.tokenVersion && accessTokenJwe !== null;
  return isNewToken ? { kind: 'renewed', versions } : undefined;
}
