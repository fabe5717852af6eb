import type { RegisterWaiterInput, RegisterWaiterOutcome } from '../contracts/activities.ts';
import { connectUrl } from '../contracts/connect-url.ts';
import type { CredentialVersions } from '../contracts/versions.ts';
import { isNewer } from '../credentials/credential.ts';
import { type Connection, readConnection } from '../credentials/credential-store.ts';
import { markTokenRejected } from '../credentials/refresh/refusal-store.ts';
import { registerWaiter as insertWaiter, removeWaiter } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import { callingWorkflowId } from './calling-workflow.ts';

export interface RegisterWaiterDependencies {
  db: Db;
  publicUrl: string;
}

/**
 * Registers the calling step as a waiter and THEN reads what the credential has become: a deposit that
 * committed before that read is seen by it, one that commits after it finds the waiter.
 */
export function createRegisterWaiter({ db, publicUrl }: RegisterWaiterDependencies) {
  return async function registerWaiter(input: RegisterWaiterInput): Promise<RegisterWaiterOutcome> {
    const { userId, mcpServerId, stepId, seen } = input;
    const workflowId = callingWorkflowId();
    const key = { userId, mcpServerId };
    if (input.tokenRejected) await markTokenRejected(db, key, seen);
    await insertWaiter(db, { ...key, workflowId, stepId, seenVersion: seen.credentialVersion });
    const connection = await readConnection(db, key);
    const ranOut = input.tokenRejected && connection !== undefined && isStillInUse(connection, seen);
    const wait = connection !== undefined && !ranOut && !hasMovedPast(connection, seen);
    if (!wait) await removeWaiter(db, workflowId);
    return { wait, connectUrl: connectUrl(publicUrl, mcpServerId, stepId), ...(ranOut && { ranOut }) };
  };
}

// A newer token counts only if it can be used: a credential that waits for its user may have been renewed
// before it came to that.
function hasMovedPast({ credential }: Connection, seen: CredentialVersions): boolean {
  const { state, versions } = credential;
  if (versions.credentialVersion > seen.credentialVersion) return true;
  return state.status === 'connected' && versions.tokenVersion > seen.tokenVersion;
}

function isStillInUse({ credential }: Connection, seen: CredentialVersions): boolean {
  return credential.state.status === 'connected' && !isNewer(credential.versions, seen);
}
