import { setTimeout as delay } from 'node:timers/promises';
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

/** Milliseconds that a call waits for a new token; the renewal itself is seen through. */
const WITHIN_MS = 10_000;

/**
 * A token that is not due, for a call whose own has become due while the tool runs: the stored one, renewed where
 * that is due as well. It is of the same consent as the one that was `used`, or the session may be another
 * account's. Undefined where there is none; never rejects.
 */
export async function freshToken(
  deps: FreshTokenDependencies,
  key: CredentialKey,
  used: CredentialVersions,
): Promise<FreshToken | undefined> {
  try {
    const access = await Promise.race([
      renewedAccess(deps, key, used),
      delay(WITHIN_MS, undefined, { ref: false }),
    ]);
    if (access?.kind !== 'ready' || access.bearerToken === undefined) return undefined;
    if (access.versions.credentialVersion !== used.credentialVersion) return undefined;
    const { bearerToken, tokenIsDue = () => false, tokenIsCurrent } = access;
    return { bearerToken, tokenIsDue, ...(tokenIsCurrent && { tokenIsCurrent }) };
  } catch {
    // A store that can't be read gives no token.
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
