import type { CredentialWorkflows } from '../credentials/credential-workflows.ts';
import { listPendingRevocations } from '../credentials/retirement/disconnect-credential.ts';
import { listLostResumptions } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';

const AT_MOST = 1_000;

/** Starts what a crash or an outage kept from being started. Starting what runs already is harmless. */
export function createStartLostWork(deps: { db: Db; workflows: CredentialWorkflows }) {
  return async function startLostWork(): Promise<{ resumptions: number; revocations: number }> {
    const resumptions = await listLostResumptions(deps.db, AT_MOST);
    for (const { version, ...key } of resumptions) await deps.workflows.startResumption(key, version);
    const revocations = await listPendingRevocations(deps.db, AT_MOST);
    for (const { version, ...key } of revocations) await deps.workflows.startRevocation(key, version);
    return { resumptions: resumptions.length, revocations: revocations.length };
  };
}
