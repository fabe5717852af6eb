import {
  type Client,
  isGrpcServiceError,
  ServiceError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { PAYLOAD_KEY_MISSING } from '../contracts/activities.ts';
import { readableExecutionInfo } from '../temporal/execution-info.ts';
import { isNotFound, TemporalUnavailable, temporalCall } from '../temporal/temporal-call.ts';

/**
 * Describes an execution, without its memo where that can't be decoded: the SDK's own description fails then.
 *
 * @throws WorkflowNotFoundError
 * @throws TemporalUnavailable
 */
export async function describe(client: Client, workflowId: string): Promise<WorkflowExecutionDescription> {
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

/** Whether an exchange with Temporal went well, and what it brought has an encoding that is unknown here. */
export function isUndecodable(error: unknown): boolean {
  // A key that is missing is another matter: it may be on its way to this process.
  if (!(error instanceof Error) || error.name === PAYLOAD_KEY_MISSING) return false;
  const isOfTemporal = error instanceof TemporalUnavailable || error instanceof ServiceError;
  return !isOfTemporal && !isGrpcServiceError(error) && !isNotFound(error);
}
