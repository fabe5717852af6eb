import {
  type Client,
  isGrpcServiceError,
  ServiceError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { PAYLOAD_KEY_MISSING } from '../contracts/activities.ts';
import { isNotFound, TemporalUnavailable, temporalCall } from '../temporal/temporal-call.ts';
import { readableExecutionInfo } from '../temporal/visibility.ts';

/**
 * Describes an execution. Leaves out a memo that can't be decoded, where the SDK's own description fails.
 *
 * @throws WorkflowNotFoundError
 * @throws TemporalUnavailable
 */
export async function describeStep(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription> {
  try {
    return await temporalCall(client, () => client.workflow.getHandle(workflowId).describe());
  } catch (error) {
    if (!isUndecodable(error)) throw error;
    return describeWithoutMemo(client, workflowId);
  }
}

async function describeWithoutMemo(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription> {
  const request = { namespace: client.options.namespace, execution: { workflowId } };
  const raw = await temporalCall(client, () => client.workflowService.describeWorkflowExecution(request));
  const info = await readableExecutionInfo(client, raw.workflowExecutionInfo ?? {});
  const none = async () => undefined;
  return { ...info, raw, staticDetails: none, staticSummary: none };
}

/** Whether Temporal answered a call with a payload whose encoding this process does not know. */
export function isUndecodable(error: unknown): boolean {
  // Not a missing key, which is temporary: this process may get the key with its next restart.
  if (!(error instanceof Error) || error.name === PAYLOAD_KEY_MISSING) return false;
  const isOfTemporal = error instanceof TemporalUnavailable || error instanceof ServiceError;
  return !isOfTemporal && !isGrpcServiceError(error) && !isNotFound(error);
}
