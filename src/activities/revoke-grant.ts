import type { CredentialKey } from '../contracts/activities.ts';
import { type RevocationDependencies, revokePending } from '../credentials/retirement/revoke-pending.ts';
import { TryLater } from './failures.ts';

const RETRY_AFTER_MS = 30_000;

/**
 * Revokes a disconnected grant at its authorization server and deletes its stored tokens.
 *
 * @throws TryLater when the authorization server can't be reached
 */
export function createRevokeGrant(deps: RevocationDependencies) {
  return async function revokeGrant(key: CredentialKey): Promise<void> {
    const outcome = await revokePending(deps, key);
    if (outcome === 'failed') throw new TryLater('the grant could not be revoked yet', RETRY_AFTER_MS);
  };
}
