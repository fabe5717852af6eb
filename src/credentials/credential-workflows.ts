import type { Client } from '@temporalio/client';
import type { CredentialKey } from '../contracts/activities.ts';
import type { ServerResumption } from '../contracts/background-activities.ts';
import { resumeServerWorkflowId, resumeWorkflowId, revokeWorkflowId } from '../contracts/step-workflow-id.ts';
import type { Logger } from '../logging/logger.ts';
import { TemporalUnavailable, temporalCall } from '../temporal/temporal-call.ts';

/**
 * Starts the background workflows that a deposit, a disconnect or the end of a server's pause needs. No method throws:
 * the reconcile schedule starts what could not be started here.
 */
export interface CredentialWorkflows {
  startResumption(key: CredentialKey, version: number): Promise<void>;
  startRevocation(key: CredentialKey, version: number): Promise<void>;
  startServerResumption(resumption: ServerResumption): Promise<void>;
}

interface WorkflowStart {
  workflow: string;
  workflowId: string;
  input: object;
}

const START_TIMEOUT_MS = 3_000;
/**
 * An outage of Temporal fails every start: it is a warning once a minute, and otherwise logged at the level `debug`.
 */
const WARNING_INTERVAL_MS = 60_000;

export function createCredentialWorkflows(deps: {
  client: Client;
  taskQueue: string;
  logger: Logger;
}): CredentialWorkflows {
  let warnedAt = Number.NEGATIVE_INFINITY;

  function logFailure(error: unknown, { workflow, workflowId }: WorkflowStart): void {
    const isRepeated =
      error instanceof TemporalUnavailable && performance.now() - warnedAt < WARNING_INTERVAL_MS;
    if (!isRepeated) warnedAt = performance.now();
    deps.logger[isRepeated ? 'debug' : 'warn'](
      { err: error, workflow, workflowId },
      'a workflow could not be started; the schedule will',
    );
  }

  const startOrLog = (workflow: WorkflowStart) =>
    start(deps, workflow).catch((error: unknown) => logFailure(error, workflow));

  return {
    startResumption: (key, version) =>
      startOrLog({
        workflow: 'resumeSteps',
        workflowId: resumeWorkflowId(key, version),
        input: { ...key, version },
      }),
    startRevocation: (key, version) =>
      startOrLog({
        workflow: 'revokeGrant',
        workflowId: revokeWorkflowId(key, version),
        input: { ...key },
      }),
    startServerResumption: (resumption) =>
      startOrLog({
        workflow: 'resumeServer',
        workflowId: resumeServerWorkflowId(resumption),
        input: resumption,
      }),
  };
}

// Simultaneous starts make one run, and repeating a start is safe. A stricter reuse policy would keep the schedule from
// starting the workflow again for what an ended run has missed.
async function start(
  { client, taskQueue }: { client: Client; taskQueue: string },
  { workflow, workflowId, input }: WorkflowStart,
): Promise<void> {
  const options = {
    taskQueue,
    workflowId,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  } as const;
  await temporalCall(client, () => client.workflow.start(workflow, options), START_TIMEOUT_MS);
}
