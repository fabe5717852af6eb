/**
 * Activities that register and remove a waiter, and the clean-up of waiters whose steps have ended. A waiter is a row
 * that says which step waits for which user's deposit. For the race with a deposit see `createRegisterWaiter`.
 */
import type { Client } from '@temporalio/client';
import { credentialKey } from '../contracts/accounts.ts';
import type {
  CredentialVersions,
  RegisterWaiterInput,
  RegisterWaiterOutcome,
} from '../contracts/activities.ts';
import { connectUrl } from '../contracts/urls.ts';
import { isNewer } from '../credentials/credential.ts';
import { type Connection, readConnection } from '../credentials/credential-store.ts';
import { markTokenRejected } from '../credentials/refresh/refusal-store.ts';
import { listSilentWaiters, noteAlive, removeSilent } from '../credentials/waiters/waiter-life-store.ts';
import {
  removeWaiter as deleteWaiter,
  registerWaiter as insertWaiter,
  removeWaiters,
} from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { filterOpen } from '../temporal/filter-open.ts';
import { callingWorkflowId, isCalledByListing } from './activity-context.ts';

const BATCH_SIZE = 100;

export interface RegisterWaiterDependencies {
  db: Db;
  publicUrl: string;
}

/**
 * Registers the calling step as a waiter and THEN reads the credential. A deposit that commits before the read is
 * seen by it; a deposit that commits later finds the waiter.
 */
export function createRegisterWaiter({ db, publicUrl }: RegisterWaiterDependencies) {
  return async function registerWaiter(input: RegisterWaiterInput): Promise<RegisterWaiterOutcome> {
    const { mcpServerId, account, stepId, seen, requiredScopes } = input;
    const workflowId = callingWorkflowId();
    const key = credentialKey(input);
    if (input.tokenRejected) await markTokenRejected(db, key, seen);
    await insertWaiter(db, {
      ...key,
      workflowId,
      stepId,
      seenVersion: seen.credentialVersion,
      ofListing: isCalledByListing(),
      ...(requiredScopes && { requiredScopes }),
    });
    const connection = await readConnection(db, key);
    const ranOut = input.tokenRejected && connection !== undefined && isStillInUse(connection, seen);
    const wait = connection !== undefined && !ranOut && !hasMovedPast(connection, seen);
    if (!wait) await deleteWaiter(db, workflowId, key);
    return {
      wait,
      connectUrl: connectUrl(publicUrl, mcpServerId, stepId, account),
      ...(ranOut && { ranOut }),
    };
  };
}

/** Removes the calling step's waiter, or all of a listing's. Does nothing if it has none. */
export function createRemoveWaiter({ db }: { db: Db }) {
  return async function removeWaiter(): Promise<void> {
    await removeWaiters(db, callingWorkflowId());
  };
}

/**
 * Removes a batch of waiters whose steps ended without removing them, such as terminated steps. Temporal is asked
 * only about waiters that have been silent for `silentForDays`; an open step is then not asked about again for as
 * long, because a pause may last a year.
 *
 * @returns the number of removed waiters; 0 if Temporal can't be asked
 */
export async function removeEndedWaiters(
  { db, client, logger }: { db: Db; client: Client; logger: Logger },
  silentForDays: number,
): Promise<number> {
  const silent = await listSilentWaiters(db, silentForDays, BATCH_SIZE);
  const alive = await filterOpen(client, silent).catch((error: unknown) => {
    // The next run tries again. The other clean-ups must not wait for it.
    logger.warn({ err: error }, 'ended waiters could not be looked up');
    return undefined;
  });
  if (alive === undefined) return 0;
  await noteAlive(db, alive);
  const open = new Set(alive);
  const ended = silent.filter((workflowId) => !open.has(workflowId));
  return removeSilent(db, ended, silentForDays);
}

// A newer token counts only if it can be used: a credential that now needs its user may have been renewed before.
function hasMovedPast({ credential }: Connection, seen: CredentialVersions): boolean {
  const { state, versions } = credential;
  if (versions.credentialVersion > seen.credentialVersion) return true;
  return state.status === 'connected' && versions.tokenVersion > seen.tokenVersion;
}

function isStillInUse({ credential }: Connection, seen: CredentialVersions): boolean {
  return credential.state.status === 'connected' && !isNewer(credential.versions, seen);
}
