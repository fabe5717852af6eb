import type { LostWork } from '../contracts/background-activities.ts';
import type { CredentialWorkflows } from '../credentials/credential-workflows.ts';
import { listPendingRevocations } from '../credentials/retirement/disconnect-credential.ts';
import { listLostResumptions } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import { listPendingServerResumptions } from '../servers/server-switch.ts';

const MAX_PER_RUN = 1_000;

/**
 * Starts the resumptions of steps and servers, and the revocations, whose start was lost in a crash or an outage.
 * Starting a running workflow again has no effect.
 */
export function createStartLostWork(deps: { db: Db; workflows: CredentialWorkflows }) {
  return async function startLostWork(): Promise<LostWork> {
    const resumptions = await listLostResumptions(deps.db, MAX_PER_RUN);
    for (const { version, ...key } of resumptions) await deps.workflows.startResumption(key, version);
    const revocations = await listPendingRevocations(deps.db, MAX_PER_RUN);
    for (const { version, ...key } of revocations) await deps.workflows.startRevocation(key, version);
    const serverResumptions = await listPendingServerResumptions(deps.db, MAX_PER_RUN);
    for (const resumption of serverResumptions) await deps.workflows.startServerResumption(resumption);
    return {
      resumptions: resumptions.length,
      revocations: revocations.length,
      ...(serverResumptions.length > 0 && { serverResumptions: serverResumptions.length }),
    };
  };
}
