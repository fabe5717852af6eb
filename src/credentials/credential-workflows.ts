import type { Client } from '@temporalio/client';
import type { CredentialKey } from '../contracts/activities.ts';
import { resumeWorkflowId, revokeWorkflowId } from '../contracts/step-workflow-id.ts';
import type { Logger } from '../logging/logger.ts';
import { TemporalUnavailable, temporalCall } from '../temporal/temporal-call.ts';

/** Starts the background workflows that a change of credential needs. Neither throws: the reconcile schedule heals. */
export interface CredentialWorkflows {
  startResumption(key: CredentialKey, version: number): Promise<void>;
  startRevocation(key: CredentialKey, version: number): Promise<void>;
}

const START_WITHIN_MS = 3_000;
/** An outage meets every deposit: it is told once a minute, in full at the level `debug`. */
const TOLD_AGAIN_AFTER_MS = 60_000;

export function createCredentialWorkflows(deps: {
  client: Client;
  taskQueue: string;
  logger: Logger;
}): CredentialWorkflows {
  let toldAt = Number.NEGATIVE_INFINITY;
  const failed = (error: unknown, workflow: string, workflowId: string) => {
    const isRepeated =
      error instanceof TemporalUnavailable && performance.now() - toldAt < TOLD_AGAIN_AFTER_MS;
    if (!isRepeated) toldAt = performance.now();
    deps.logger[isRepeated ? 'debug' : 'warn'](
      { err: error, workflow, workflowId },
      'a workflow could not be started; the schedule will',
    );
  };
  return {
    startResumption: (key, version) =>
      start({ ...deps, failed }, 'resumeSteps', resumeWorkflowId(key.userId, key.mcpServerId, version), {
        ...key,
        version,
      }),
    startRevocation: (key, version) =>
      start({ ...deps, failed }, 'revokeGrant', revokeWorkflowId(key.userId, key.mcpServerId, version), {
        ...key,
      }),
  };
}

// Starts at the same time are one, and a repeat is harmless. A stricter reuse policy would block the schedule
// from healing what an ended run has missed.
async function start(
  {
    client,
    taskQueue,
    failed,
  }: {
    client: Client;
    taskQueue: string;
    failed: (error: unknown, workflow: string, workflowId: string) => void;
  },
  workflow: string,
  workflowId: string,
  input: object,
): Promise<void> {
  const options = {
    taskQueue,
    workflowId,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  } as const;
  try {
    await temporalCall(client, () => client.workflow.start(workflow, options), START_WITHIN_MS);
  } catch (error) {
    failed(error, workflow, workflowId);
  }
}
