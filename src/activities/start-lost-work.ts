import type { CredentialWorkflows } from '../credentials/credential-workflows.ts';
import { listPendingRevocations } from '../credentials/retirement/disconnect-credential.ts';
import { listLostResumptions } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';

const MAX_PER_RUN = 1_000;

/**
 * Starts the resumptions and revocations whose start was lost in a crash or an outage. Starting a running workflow
 * again has no effect.
 */
export function createStartLostWork(deps: { db: Db; workflows: CredentialWorkflows }) {
  return async function startLostWork(): Promise<{ resumptions: number; revocations: number }> {
    const resumptions = await listLostResumptions(deps.db, MAX_PER_RUN);
    for (const { version, ...key } of resumptions) await deps.workflows.startResumption(key, version);
    const revocations = await listPendingRevocations(deps.db, MAX_PER_RUN);
    for (const { version, ...key } of revocations) await deps.workflows.startRevocation(key, version);
    return { resumptions: resumptions.length, revocations: revocations.length };
  };
}
