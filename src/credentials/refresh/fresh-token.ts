import { raceTimeout } from '../../async/deadline.ts';
import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import { type Access, type AccessDependencies, readAccess } from '../access.ts';
import type { Renewal } from './renewal.ts';

export interface FreshTokenDependencies extends AccessDependencies {
  renewal: Renewal;
}

export interface FreshToken {
  bearerToken: string;
  tokenIsDue: () => boolean;
  tokenIsCurrent?: () => Promise<boolean>;
}

/** How long a call waits for a new token. The renewal itself continues until its answer is stored. */
const TIMEOUT_MS = 10_000;

/**
 * Returns a token that is not due, for a call whose own token has become due while the tool runs: the stored token,
 * renewed first if it is due too. It must come from the same deposit as the token that was `used`, because the session
 * could belong to another account otherwise. Undefined if there is no such token; never rejects.
 */
export async function freshToken(
  deps: FreshTokenDependencies,
  key: CredentialKey,
  used: CredentialVersions,
): Promise<FreshToken | undefined> {
  try {
    const limit = { ms: TIMEOUT_MS, ref: false };
    const access = await raceTimeout(limit, renewedAccess(deps, key, used), () => undefined);
    if (access?.kind !== 'ready' || access.bearerToken === undefined) return undefined;
    if (access.versions.credentialVersion !== used.credentialVersion) return undefined;
    const { bearerToken, tokenIsDue = () => false, tokenIsCurrent } = access;
    return { bearerToken, tokenIsDue, ...(tokenIsCurrent && { tokenIsCurrent }) };
  } catch {
    // The store can't be read.
    return undefined;
  }
}

async function renewedAccess(
  deps: FreshTokenDependencies,
  key: CredentialKey,
  used: CredentialVersions,
): Promise<Access> {
  const access = await readAccess(deps, key);
  if (access.kind !== 'token-stale' || access.seen.credentialVersion !== used.credentialVersion)
    return access;
  const renewed = await deps.renewal.renew(key, access.seen);
  return renewed.kind === 'renewed' ? readAccess(deps, key) : access;
}
