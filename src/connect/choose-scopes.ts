import { splitScopes } from '../contracts/scopes.ts';
export interface ScopeSources {
  /** Of the challenge of a request without a token. */
  challenged?: string | undefined;
  /** Of the server's registration. */
  registered?: string | undefined;
  /** `scopes_supported` of the protected resource. RFC 9728. */
  ofResource?: readonly string[] | undefined;
  /** `scopes_supported` of the authorization server. RFC 8414. */
  ofAuthorizationServer?: readonly string[] | undefined;
  /** The scopes that paused steps need. */
  required: readonly string[];
  /** The scopes that the stored grant was asked for and has. */
  previous: readonly string[];
}

/**
 * Chooses the scopes of an authorization request. Undefined: `scope` is left out, and the server decides. If steps wait
 * for a wider scope, the request repeats what was consented to before, so that the new grant is not narrower.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#scope-selection-strategy
 */
export function chooseScopes(sources: ScopeSources): string | undefined {
  const base = baseScopes(sources);
  const scopes = sources.required.length > 0 ? [...base, ...sources.previous, ...sources.required] : base;
  if (scopes.length === 0) return undefined;
  // Where it is not announced, some servers refuse the whole request because of it.
  const isAnnounced = sources.ofAuthorizationServer?.includes(OFFLINE_ACCESS) ?? false;
  return [...new Set(isAnnounced ? [...scopes, OFFLINE_ACCESS] : scopes)].join(' ');
}

/** https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess */
const OFFLINE_ACCESS = 'offline_access';

function baseScopes({ challenged, registered, ofResource }: ScopeSources): readonly string[] {
  const stated = [splitScopes(challenged), splitScopes(registered)].find((scopes) => scopes.length > 0);
  return stated ?? ofResource ?? [];
}
